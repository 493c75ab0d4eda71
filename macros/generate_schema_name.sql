{#- The schema of a node: its own `schema` as written, or the target's. Raw data and the ledger keep the same
    schema names in every environment's database; everything that models build follows the target.
    In a project that installs this one dbt's own rule holds, or the project's: two targets never share a schema for being guests. -#}
{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
    {%- if project_name != 'headwater' -%}
        {{ return(default__generate_schema_name(custom_schema_name, node)) }}
    {%- endif -%}
    {{ return((custom_schema_name or target.schema) | trim) }}
{%- endmacro %}
