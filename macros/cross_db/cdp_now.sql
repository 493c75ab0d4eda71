{#- Expression: the instant a run takes as now, a UTC timestamp without zone.
    var `cdp_as_of` repeats a run for a given instant; otherwise it is when the run started, one value for all models. -#}
{% macro cdp_now() -%}
    {%- set instant = var('cdp_as_of', none) or run_started_at.strftime('%Y-%m-%d %H:%M:%S') -%}
    {{ return(timestamp_literal(instant)) }}
{%- endmacro %}
