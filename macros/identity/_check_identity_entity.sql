{#- Nothing, or a compiler error that says what is wrong, where, what is allowed and the nearest name. -#}
{% macro _check_identity_entity(name, entity) -%}
{%- endmacro %}
