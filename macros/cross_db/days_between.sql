{#- Expression: whole days from one UTC timestamp to a later one; negative if swapped. -#}
{% macro days_between(from_timestamp, to_timestamp) -%}
    {{ return(adapter.dispatch('days_between', 'headwater')(from_timestamp, to_timestamp)) }}
{%- endmacro %}

{% macro default__days_between(from_timestamp, to_timestamp) -%}
    cast(floor(datediff('second', {{ from_timestamp }}, {{ to_timestamp }}) / 86400) as {{ dbt.type_int() }})
{%- endmacro %}

{% macro bigquery__days_between(from_timestamp, to_timestamp) -%}
    cast(floor(timestamp_diff({{ to_timestamp }}, {{ from_timestamp }}, second) / 86400) as {{ dbt.type_int() }})
{%- endmacro %}
