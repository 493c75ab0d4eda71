{#- Query: `columns` of a relation, and item (its JSON as text) and item_number (from 1) of each item of a list in its JSON documents; a row
    without a list has none. -#}
{% macro json_rows_of(relation, columns, document, steps) -%}
    {{ return(adapter.dispatch('json_rows_of', 'headwater')(relation, columns, document, steps)) }}
{%- endmacro %}

{#- https://docs.snowflake.com/en/sql-reference/functions/flatten, read 2026-11-29: what is no list is left out. -#}
{% macro default__json_rows_of(relation, columns, document, steps) -%}
    select
        {%- for column in columns %}
        documents.{{ column }},
        {%- endfor %}
        to_json(flattened.value) as item,
        flattened.index + 1 as item_number
    from (select *, {{ headwater.json_at(document, steps) }} as json_list from {{ relation }}) as documents,
        lateral flatten(input => documents.json_list, mode => 'ARRAY') as flattened
{%- endmacro %}

{% macro duckdb__json_rows_of(relation, columns, document, steps) -%}
    {%- set path = headwater.string_literal(headwater.json_path(steps) ~ '[*]') %}
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        cast(unnest(json_list) as varchar) as item,
        unnest(range(1, len(json_list) + 1)) as item_number
    from (select *, json_extract({{ document }}, {{ path }}) as json_list from {{ relation }}) as documents
{%- endmacro %}

{% macro bigquery__json_rows_of(relation, columns, document, steps) -%}
    {%- set path = headwater.string_literal(headwater.json_path(steps)) %}
    select
        {%- for column in columns %}
        documents.{{ column }},
        {%- endfor %}
        to_json_string(item) as item,
        item_offset + 1 as item_number
    from (select *, json_query_array({{ document }}, {{ path }}) as json_list from {{ relation }}) as documents
    cross join unnest(documents.json_list) as item with offset as item_offset
{%- endmacro %}
