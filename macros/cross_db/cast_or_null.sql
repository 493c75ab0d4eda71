{#- Expression: a value cast to a type, null where it cannot be: one bad row must not stop a build.
    `type` is a type of the warehouse: dbt.type_timestamp(), dbt.type_int(), dbt.type_numeric(), 'date', ... -#}
{% macro cast_or_null(expression, type) -%}
    {{ return(adapter.dispatch('cast_or_null', 'headwater')(expression, type)) }}
{%- endmacro %}

{#- Snowflake tries only text. -#}
{% macro default__cast_or_null(expression, type) -%}
    try_cast(cast({{ expression }} as {{ dbt.type_string() }}) as {{ type }})
{%- endmacro %}

{% macro duckdb__cast_or_null(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}

{% macro bigquery__cast_or_null(expression, type) -%}
    safe_cast({{ expression }} as {{ type }})
{%- endmacro %}
