{#- Expression: a UTC timestamp constant from text 'YYYY-MM-DD[ HH:MM:SS]'. -#}
{% macro timestamp_literal(instant) -%}
    {{ return("cast('" ~ instant ~ "' as " ~ dbt.type_timestamp() ~ ")") }}
{%- endmacro %}
