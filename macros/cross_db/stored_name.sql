{#- Value: a name that was written without quotes as the warehouse keeps it, which dbt's list of relations must agree with. -#}
{% macro stored_name(name) -%}
    {{ return(adapter.dispatch('stored_name', 'headwater')(name)) }}
{%- endmacro %}

{% macro default__stored_name(name) -%}
    {{ return(name) }}
{%- endmacro %}

{#- In capitals: https://docs.snowflake.com/en/sql-reference/identifiers-syntax (read 2026-11-28). -#}
{% macro snowflake__stored_name(name) -%}
    {{ return(name | upper) }}
{%- endmacro %}
