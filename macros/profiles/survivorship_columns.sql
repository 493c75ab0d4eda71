{#- Expressions, aggregate: for each attribute of an entity its value, typed, and `<attribute>_source`, from rows of
    attribute, value and source_name. -#}
{% macro survivorship_columns(entity) -%}
{%- for attribute in headwater.survivorship_rules(entity).attributes %}
max(case when attribute = {{ headwater.string_literal(attribute.name) }} then {{ headwater.attribute_cast('value', attribute.type) }} end) as {{ attribute.name }},
max(case when attribute = {{ headwater.string_literal(attribute.name) }} then source_name end) as {{ attribute.name }}_source,
{%- endfor %}
count(*) as attribute_count
{%- endmacro %}
