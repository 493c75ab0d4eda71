{#- Expression: whole seconds from one UTC timestamp to a later one; negative if swapped. -#}
{% macro seconds_between(from_timestamp, to_timestamp) -%}
    {{ return(adapter.dispatch('seconds_between', 'headwater')(from_timestamp, to_timestamp)) }}
{%- endmacro %}

{% macro default__seconds_between(from_timestamp, to_timestamp) -%}
    datediff('second', {{ from_timestamp }}, {{ to_timestamp }})
{%- endmacro %}

{% macro bigquery__seconds_between(from_timestamp, to_timestamp) -%}
    timestamp_diff({{ to_timestamp }}, {{ from_timestamp }}, second)
{%- endmacro %}
