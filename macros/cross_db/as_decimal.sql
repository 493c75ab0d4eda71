{#- Expression: a number with so many digits, so many of them behind the point; the rest is rounded away. -#}
{% macro as_decimal(expression, digits, places) -%}
    {{ return(adapter.dispatch('as_decimal', 'headwater')(expression, digits, places)) }}
{%- endmacro %}

{% macro default__as_decimal(expression, digits, places) -%}
    cast({{ expression }} as numeric({{ digits }}, {{ places }}))
{%- endmacro %}

{#- "Parameterized types are not allowed in CAST expressions": they are allowed in a table's columns. -#}
{% macro bigquery__as_decimal(expression, digits, places) -%}
    round(cast({{ expression }} as numeric), {{ places }})
{%- endmacro %}
