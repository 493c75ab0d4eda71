{#- Value: the schema of what `sync` remembers. -#}
{% macro _sync_schema() -%}
    {{ return(target.schema ~ '_sync') }}
{%- endmacro %}

{#- Value: whether this command of dbt runs nodes, and does not only parse, list or compile them. -#}
{% macro _dbt_runs_nodes() -%}
    {{ return(flags.WHICH in ['build', 'run', 'seed', 'snapshot', 'test', 'retry']) }}
{%- endmacro %}
