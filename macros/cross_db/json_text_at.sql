{#- Expression: what stands in a JSON document at a place, as text; null where nothing does, or JSON's null. A list or object is its JSON.
    steps: names, and places in lists from 0. -#}
{% macro json_text_at(document, steps) -%}
    {{ return(adapter.dispatch('json_text_at', 'headwater')(document, steps)) }}
{%- endmacro %}

{#- The whole is looked up like a part of it: one way to its text. -#}
{% macro default__json_text_at(document, steps) -%}
    {%- set whole = document if steps else "object_construct('whole', " ~ document ~ ")" -%}
    cast({{ headwater.json_at(whole, steps or ['whole']) }} as varchar)
{%- endmacro %}

{% macro duckdb__json_text_at(document, steps) -%}
    json_extract_string({{ document }}, {{ headwater.string_literal(headwater.json_path(steps)) }})
{%- endmacro %}

{#- One function gives what is a value, another what is none; JSON's null is neither, in quotes or without. -#}
{% macro bigquery__json_text_at(document, steps) -%}
    {%- set path = headwater.string_literal(headwater.json_path(steps)) -%}
    coalesce(
        json_value({{ document }}, {{ path }}),
        nullif(nullif(to_json_string(json_query({{ document }}, {{ path }})), 'null'), '"null"')
    )
{%- endmacro %}

{#- Expression: the same as a variant, of Snowflake. -#}
{% macro json_at(document, steps) -%}
    {{ return('get_path(' ~ document ~ ', ' ~ headwater.string_literal(headwater.json_path(steps)) ~ ')' if steps else document) }}
{%- endmacro %}

{#- Value: the place as the warehouse writes it, each name in quotes. -#}
{% macro json_path(steps) -%}
    {{ return(adapter.dispatch('json_path', 'headwater')(steps)) }}
{%- endmacro %}

{#- Snowflake's has no root. -#}
{% macro default__json_path(steps) -%}
    {{ return(headwater._joined_steps(steps) | trim('.')) }}
{%- endmacro %}

{% macro duckdb__json_path(steps) -%}
    {{ return('$' ~ headwater._joined_steps(steps)) }}
{%- endmacro %}

{% macro bigquery__json_path(steps) -%}
    {{ return('$' ~ headwater._joined_steps(steps)) }}
{%- endmacro %}

{% macro _joined_steps(steps) -%}
    {%- set parts = [] -%}
    {%- for step in steps -%}
        {%- do parts.append('[' ~ step ~ ']' if step is integer else '."' ~ step ~ '"') -%}
    {%- endfor -%}
    {{ return(parts | join('')) }}
{%- endmacro %}
