{#- Expression: MD5, 32 hex digits, over columns as text. Absent and empty differ, and a value never runs into its neighbour: each is
    written with its length. The hash of the same values is the same in every build and on every warehouse: the model's contract says
    what type a column is written as. -#}
{% macro row_hash(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- set text = headwater.canonical_text(column, model.columns.get(column, {}).get('data_type') or 'string') -%}
        {%- do parts.append(
            "coalesce(" ~ dbt.concat(["cast(" ~ dbt.length(text) ~ " as " ~ dbt.type_string() ~ ")", "':'", text]) ~ ", '-')"
        ) -%}
    {%- endfor -%}
    {{ return(headwater.md5_hex(dbt.concat(parts + ["''"]))) }}
{%- endmacro %}
