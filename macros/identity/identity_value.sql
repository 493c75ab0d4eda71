{#- Expression: the value one record gives for an identifier type: trimmed text, null for nothing.
    The column's own normaliser, else the type's, is applied: the name of a macro that takes an expression. -#}
{% macro identity_value(column, entity, type) -%}
    {%- if column is none or column is undefined -%}
        {{ return("cast(null as " ~ dbt.type_string() ~ ")") }}
    {%- endif -%}
    {%- set rule = entity.identifiers | selectattr('type', 'equalto', type) | first -%}
    {%- set text = "nullif(trim(cast(" ~ column.column ~ " as " ~ dbt.type_string() ~ ")), '')" -%}
    {%- set normaliser = column.get('normaliser') or rule.normaliser -%}
    {{ return((context.get(normaliser) or headwater[normaliser])(text) if normaliser else text) }}
{%- endmacro %}

{% macro _seen_at(column) -%}
    {{ return("cast(" ~ (column or 'null') ~ " as " ~ dbt.type_timestamp() ~ ")") }}
{%- endmacro %}
