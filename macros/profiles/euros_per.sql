{#- Expression: an amount of euros shared among so many, to the cent, half a cent away from zero; null for none. Whole cents are
    divided and the remainder is looked at, since a quotient is a float on one warehouse and exact on another. -#}
{% macro euros_per(amount, number) -%}
    {%- set cents = 'cast(round((' ~ amount ~ ') * 100) as ' ~ dbt.type_bigint() ~ ')' -%}
    {%- set halves = '(2 * abs(' ~ cents ~ ') + (' ~ number ~ '))' -%}
    {%- set parts = 'nullif(2 * (' ~ number ~ '), 0)' -%}
    {{ return(headwater.as_euros(
        'sign(' ~ cents ~ ') * ((' ~ halves ~ ' - mod(' ~ halves ~ ', ' ~ parts ~ ')) / ' ~ parts ~ ') / 100'
    )) }}
{%- endmacro %}
