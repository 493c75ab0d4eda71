{#- The schema of a node: its own `schema` as written, or the target's. Raw data and the ledger keep the same
    schema names in every environment's database; everything that models build follows the target. -#}
{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
    {{ return((custom_schema_name or target.schema) | trim) }}
{%- endmacro %}
