{#- Value, a hook of a model for `config()`: what runs outside the model's transaction. BigQuery and Snowflake have none around a model, and
    dbt's materializations there leave out, without a word, whatever hook asks to be outside of it
    (https://docs.getdbt.com/reference/resource-configs/pre-hook-post-hook, read 2026-11-29). -#}
{% macro hook_outside(statements) -%}
    {{ return(adapter.dispatch('hook_outside', 'headwater')(statements)) }}
{%- endmacro %}

{% macro default__hook_outside(statements) -%}
    {{ return({'sql': statements}) }}
{%- endmacro %}

{% macro duckdb__hook_outside(statements) -%}
    {{ return({'sql': statements, 'transaction': false}) }}
{%- endmacro %}
