{#- Expression: a value cast to a type, null where it cannot be: one bad row must not stop a build.
    `type` is a type of the warehouse: dbt.type_timestamp(), dbt.type_int(), dbt.type_numeric(), 'date', ...
    A timestamp is UTC: what the text says of an offset (`+02:00`) is taken off, which a plain cast leaves out on DuckDB and Snowflake. -#}
{% macro cast_or_null(expression, type) -%}
    {{ return(adapter.dispatch('cast_or_null', 'headwater')(expression, type)) }}
{%- endmacro %}

{#- Snowflake tries only text. Text without an offset is not read as timestamp_tz, which would take it for the session's own time; of two
    arguments convert_timezone gives a timestamp_tz (https://docs.snowflake.com/sql-reference/functions/convert_timezone, read 2026-11-28). -#}
{% macro default__cast_or_null(expression, type) -%}
    {%- set text = "cast(" ~ expression ~ " as " ~ dbt.type_string() ~ ")" -%}
    {%- if headwater._is_timestamp(type) -%}
    case
        when {{ headwater.regexp_matches_whole(text, '.*:[0-9]{2}([.][0-9]+)? ?[+-][0-9]{2}(:?[0-9]{2})?') }}
            then cast(convert_timezone('UTC', try_cast({{ text }} as timestamp_tz)) as {{ type }})
        else try_cast({{ text }} as {{ type }})
    end
    {%- else -%}
    try_cast({{ text }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{#- The session's zone is UTC, as profiles.yml sets it. -#}
{% macro duckdb__cast_or_null(expression, type) -%}
    {%- if headwater._is_timestamp(type) -%}
    cast(try_cast({{ expression }} as timestamptz) as {{ type }})
    {%- else -%}
    try_cast({{ expression }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__cast_or_null(expression, type) -%}
    safe_cast({{ expression }} as {{ type }})
{%- endmacro %}

{% macro _is_timestamp(type) -%}
    {{ return(type | lower == dbt.type_timestamp() | lower) }}
{%- endmacro %}
