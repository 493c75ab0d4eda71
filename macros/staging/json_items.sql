{#- Relation-shaped query in brackets: a row for each item of a list in a JSON column, with the `columns` that are named, `item` (for json_part) and
    item_number, from 1. A row whose list is empty, or not there, has none; a column that is there and no JSON counts as
    unread, as does what stands in the list's place and is none.
    relation: a CTE or relation. path: where in the column the list stands, as for json_part; without it the column is the list. -#}
{% macro json_items(relation, column, columns, path=none) -%}
    {%- if columns is string or not columns -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ": json_items('" ~ column ~ "') takes a list of the columns to keep, got '" ~ columns ~ "'; name the key at least."
        ) }}
    {%- endif -%}
    {%- set steps = headwater.json_steps('json_items', path) if path is not none else [] -%}
    {%- set document = headwater.json_document(column) -%}
    {%- set is_list = headwater.counted_read(
        headwater.json_text_at(document, steps) if steps else column, headwater.json_nested_at(document, steps, '[')
    ) ~ ' is not null' -%}
    {%- set document = 'case when ' ~ (headwater._json_way_to(column, document, steps) ~ ' and ' if steps else '') ~ is_list ~ ' then ' ~ document ~ ' end' -%}
({{ headwater.json_rows_of(relation, columns, document, steps) }}
)
{%- endmacro %}
