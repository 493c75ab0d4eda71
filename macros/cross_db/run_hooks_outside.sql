{#- Statements of a materialization: the hooks that want no transaction. They begin with a `commit`, which only DuckDB takes without a
    transaction: dbt's own materializations leave them out on BigQuery and Snowflake, where every statement is its own. -#}
{% macro run_hooks_outside(hooks) -%}
    {{ return(adapter.dispatch('run_hooks_outside', 'headwater')(hooks)) }}
{%- endmacro %}

{% macro default__run_hooks_outside(hooks) -%}
    {{ return('') }}
{%- endmacro %}

{% macro duckdb__run_hooks_outside(hooks) -%}
    {{ return(run_hooks(hooks, inside_transaction=False)) }}
{%- endmacro %}
