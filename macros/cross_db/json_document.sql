{#- Expression: a raw value as the warehouse's own JSON document, whether it came as text, as JSON or as a struct or list; null where it is none. -#}
{% macro json_document(expression) -%}
    {{ return(adapter.dispatch('json_document', 'headwater')(expression)) }}
{%- endmacro %}

{#- A variant, object or array is its text first (https://docs.snowflake.com/en/sql-reference/functions/try_parse_json, read 2026-11-29: of text). -#}
{% macro default__json_document(expression) -%}
    try_parse_json(to_varchar({{ expression }}))
{%- endmacro %}

{% macro duckdb__json_document(expression) -%}
    try_cast({{ expression }} as json)
{%- endmacro %}

{#- A text is what its JSON string holds; anything else is its own text (.../functions-and-operators/json_functions, read 2026-11-29). -#}
{% macro bigquery__json_document(expression) -%}
    safe.parse_json(coalesce(json_value(to_json({{ expression }})), to_json_string({{ expression }})), wide_number_mode => 'round')
{%- endmacro %}
