{#- Expression: a value as text, the same text on every warehouse and in every session, to be hashed or compared; null stays null.
    data_type: the type as a contract names it. Snowflake writes an instant as its session says, BigQuery leaves the zeros of a
    decimal out. A float has no such text: write a decimal. -#}
{% macro canonical_text(expression, data_type) -%}
    {%- set kind = data_type | lower | trim -%}
    {%- if kind.startswith('numeric(') -%}
        {%- set digits, places = kind[8:-1].split(',') -%}
        {{ return(adapter.dispatch('_decimal_text', 'headwater')(expression, digits | int, places | int)) }}
    {%- elif kind == 'timestamp' -%}
        {{ return(adapter.dispatch('_timestamp_text', 'headwater')(expression)) }}
    {%- elif kind == 'date' -%}
        {{ return(adapter.dispatch('_date_text', 'headwater')(expression)) }}
    {%- endif -%}
    {{ return('cast(' ~ expression ~ ' as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}

{% macro default___decimal_text(expression, digits, places) -%}
    {{ return('cast(' ~ headwater.as_decimal(expression, digits, places) ~ ' as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}

{% macro bigquery___decimal_text(expression, digits, places) -%}
    {{ return("format('%." ~ places ~ "f', " ~ headwater.as_decimal(expression, digits, places) ~ ")") }}
{%- endmacro %}

{% macro default___timestamp_text(expression) -%}
    {{ return("strftime(" ~ expression ~ ", '%Y-%m-%d %H:%M:%S.%f')") }}
{%- endmacro %}

{% macro snowflake___timestamp_text(expression) -%}
    {{ return("to_char(" ~ expression ~ ", 'YYYY-MM-DD HH24:MI:SS.FF6')") }}
{%- endmacro %}

{% macro bigquery___timestamp_text(expression) -%}
    {{ return("format_timestamp('%F %H:%M:%E6S', " ~ expression ~ ")") }}
{%- endmacro %}

{% macro default___date_text(expression) -%}
    {{ return('cast(' ~ expression ~ ' as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}

{% macro snowflake___date_text(expression) -%}
    {{ return("to_char(" ~ expression ~ ", 'YYYY-MM-DD')") }}
{%- endmacro %}
