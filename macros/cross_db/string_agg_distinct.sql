{#- Expression, aggregate: the distinct values of a string, sorted, joined by a separator; null when there are none. -#}
{% macro string_agg_distinct(expression, separator=',') -%}
    {{ return(adapter.dispatch('string_agg_distinct', 'headwater')(expression, separator)) }}
{%- endmacro %}

{% macro default__string_agg_distinct(expression, separator) -%}
    string_agg(distinct {{ expression }}, {{ headwater.string_literal(separator) }} order by {{ expression }})
{%- endmacro %}

{% macro snowflake__string_agg_distinct(expression, separator) -%}
    nullif(listagg(distinct {{ expression }}, {{ headwater.string_literal(separator) }}) within group (order by {{ expression }}), '')
{%- endmacro %}
