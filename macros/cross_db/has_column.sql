{#- Value: whether a table has a column of that name; true while parsing. A version before this one may have made the table. -#}
{% macro has_column(relation, name) -%}
    {%- if not execute -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do names.append(column.name | lower) -%}
    {%- endfor -%}
    {{ return(name in names) }}
{%- endmacro %}
