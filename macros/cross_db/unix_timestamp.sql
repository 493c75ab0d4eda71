{#- Expression: a UTC timestamp from whole seconds since 1970, a number; null for null. -#}
{% macro unix_timestamp(seconds) -%}
    {{ return(headwater.timestamp_add(headwater.timestamp_literal('1970-01-01 00:00:00'), seconds, 'second')) }}
{%- endmacro %}
