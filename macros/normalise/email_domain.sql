{#- Expression: the domain of a normalised e-mail address; null for null. -#}
{% macro email_domain(expression) -%}
    {{ return(dbt.split_part(expression, "'@'", 2)) }}
{%- endmacro %}
