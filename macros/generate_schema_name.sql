{#- The schema of a node: its own `schema` as written, or the target's. Raw data and the ledger keep the same
    schema names in every environment's database; everything that models build follows the target.
    In a project that installs this one, the rule is that project's, since dbt asks a package's own macro for the package's nodes:
    its macro of this name, else dbt's. Otherwise every developer's target would build into one schema. -#}
{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
    {%- if project_name != 'headwater' -%}
        {%- set layout = (context.get(project_name) or {}).get('generate_schema_name') or dbt.generate_schema_name -%}
        {{ return(layout(custom_schema_name, node)) }}
    {%- endif -%}
    {{ return((custom_schema_name or target.schema) | trim) }}
{%- endmacro %}
