{#- Expression: the instant a run takes as now, a UTC timestamp without zone.
    var `cdp_as_of` repeats a run for a given instant; without it the environment's HEADWATER_AS_OF, which sets a whole
    session (dbt's and sync's runs of the demo); without both it is when the run started, one value for all models.
    The environment is read when a model runs, not when it is parsed: dbt parses anew what read a variable that changed. -#}
{% macro cdp_now() -%}
    {{ return(headwater.timestamp_literal(headwater._cdp_instant())) }}
{%- endmacro %}

{#- Text: the same instant as it was given. -#}
{% macro _cdp_instant() -%}
    {%- set as_of = var('cdp_as_of', none) or (env_var('HEADWATER_AS_OF', '') if execute else '') -%}
    {{ return((as_of or run_started_at.strftime('%Y-%m-%d %H:%M:%S')) | string) }}
{%- endmacro %}
