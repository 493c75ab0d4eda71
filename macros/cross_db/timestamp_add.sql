{#- Expression: a timestamp moved by a whole number of units (millisecond, second, minute, hour, day); `amount` is an expression. -#}
{% macro timestamp_add(timestamp, amount, unit) -%}
    {%- if unit not in ['millisecond', 'second', 'minute', 'hour', 'day'] -%}
        {{ exceptions.raise_compiler_error("timestamp_add: unit '" ~ unit ~ "' is not one of millisecond, second, minute, hour, day.") }}
    {%- endif -%}
    {{ return(adapter.dispatch('timestamp_add', 'headwater')(timestamp, amount, unit)) }}
{%- endmacro %}

{% macro default__timestamp_add(timestamp, amount, unit) -%}
    dateadd({{ unit }}, {{ amount }}, {{ timestamp }})
{%- endmacro %}

{% macro duckdb__timestamp_add(timestamp, amount, unit) -%}
    ({{ timestamp }} + to_{{ unit }}s({{ amount }}))
{%- endmacro %}

{% macro bigquery__timestamp_add(timestamp, amount, unit) -%}
    timestamp_add({{ timestamp }}, interval {{ amount }} {{ unit }})
{%- endmacro %}
