{#- Expression: an amount of money, exact to the cent. A float would add up to 59.900001 on a warehouse where it has 32 bits. -#}
{% macro as_euros(expression) -%}
    {{ return(headwater.as_decimal(expression, 18, 2)) }}
{%- endmacro %}
