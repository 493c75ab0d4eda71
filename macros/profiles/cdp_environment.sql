{#- Expression: whose rows of the ledger and of campaign results this run reads, live or sandbox.
    The environment variable HEADWATER_ENVIRONMENT decides, for dbt and sync alike; live unless it says otherwise. -#}
{% macro cdp_environment() -%}
    {%- set environment = env_var('HEADWATER_ENVIRONMENT', 'live') -%}
    {%- if environment not in ['live', 'sandbox'] -%}
        {{ exceptions.raise_compiler_error(
            "cdp_environment: HEADWATER_ENVIRONMENT is '" ~ environment ~ "'; it is one of live, sandbox."
        ) }}
    {%- endif -%}
    {{ return(headwater.string_literal(environment)) }}
{%- endmacro %}
