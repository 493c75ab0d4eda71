{#- Expression: the percentile (a share, 0 to 1) of a number over a window, between two values where it falls between. -#}
{% macro percentile_over(expression, share, window) -%}
    {{ return(adapter.dispatch('percentile_over', 'headwater')(expression, share, window)) }}
{%- endmacro %}

{% macro default__percentile_over(expression, share, window) -%}
    percentile_cont({{ share }}) within group (order by {{ expression }}) over ({{ window }})
{%- endmacro %}

{% macro duckdb__percentile_over(expression, share, window) -%}
    quantile_cont({{ expression }}, {{ share }}) over ({{ window }})
{%- endmacro %}

{#- Only as an analytic function: https://cloud.google.com/bigquery/docs/reference/standard-sql/navigation_functions#percentile_cont -#}
{% macro bigquery__percentile_over(expression, share, window) -%}
    percentile_cont({{ expression }}, {{ share }}) over ({{ window }})
{%- endmacro %}
