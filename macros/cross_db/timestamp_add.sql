{#- Expression: a timestamp moved by a whole number of units (millisecond, second, minute, hour, day, month); `amount` is an expression. A month on
    from the 31st is the last day of the next. -#}
{% macro timestamp_add(timestamp, amount, unit) -%}
    {%- if unit not in ['millisecond', 'second', 'minute', 'hour', 'day', 'month'] -%}
        {{ exceptions.raise_compiler_error("timestamp_add: unit '" ~ unit ~ "' is not one of millisecond, second, minute, hour, day, month.") }}
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
    {#- It adds no months to an instant (https://cloud.google.com/bigquery/docs/reference/standard-sql/timestamp_functions#timestamp_add). -#}
    {%- if unit == 'month' -%}
    timestamp(datetime_add(datetime({{ timestamp }}), interval {{ amount }} month))
    {%- else -%}
    timestamp_add({{ timestamp }}, interval {{ amount }} {{ unit }})
    {%- endif -%}
{%- endmacro %}
