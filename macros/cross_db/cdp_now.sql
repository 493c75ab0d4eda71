{#- Expression: the instant a run takes as now, a UTC timestamp without zone.
    var `cdp_as_of` repeats a run for a given instant; without it the environment's HEADWATER_AS_OF, which sets a whole
    session (dbt's and sync's runs of the demo); without both it is when the run started, one value for all models. -#}
{% macro cdp_now() -%}
    {%- set as_of = var('cdp_as_of', none) or env_var('HEADWATER_AS_OF', '') -%}
    {%- set instant = as_of or run_started_at.strftime('%Y-%m-%d %H:%M:%S') -%}
    {{ return(timestamp_literal(instant)) }}
{%- endmacro %}
