{#- Expression: 1 where an object or a list stands in a JSON document at a place, else null; a text that holds JSON is a text.
    steps: names, and places in lists from 0; none is the document itself. kinds: first signs of what counts, `{[`. -#}
{% macro json_nested_at(document, steps, kinds='{[') -%}
    {%- set written = adapter.dispatch('json_written_at', 'headwater')(document, steps) -%}
    {{ return("case when substr(" ~ written ~ ", 1, 1) in ('" ~ kinds | list | join("', '") ~ "') then 1 end") }}
{%- endmacro %}

{#- Expression: what stands there as JSON writes it, a text in its quotes. -#}
{% macro default__json_written_at(document, steps) -%}
    to_json({{ headwater.json_at(document, steps) }})
{%- endmacro %}

{% macro duckdb__json_written_at(document, steps) -%}
    ltrim(cast(json_extract({{ document }}, {{ headwater.string_literal(headwater.json_path(steps)) }}) as varchar))
{%- endmacro %}

{% macro bigquery__json_written_at(document, steps) -%}
    to_json_string(json_query({{ document }}, {{ headwater.string_literal(headwater.json_path(steps)) }}))
{%- endmacro %}
