{#- Type name: a float of 64 bits. -#}
{% macro type_double() -%}
    {{ return(adapter.dispatch('type_double', 'headwater')()) }}
{%- endmacro %}

{% macro default__type_double() -%}
    {{ return(dbt.type_float()) }}
{%- endmacro %}

{#- FLOAT has 32 bits there: 16777217 would be 16777216. -#}
{% macro duckdb__type_double() -%}
    {{ return('double') }}
{%- endmacro %}
