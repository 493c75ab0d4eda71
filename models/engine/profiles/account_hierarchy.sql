{%- set rule = headwater.company_hierarchy() -%}
{{ config(enabled=rule is not none) }}
{%- if rule %}
{{ headwater.company_hierarchy_rows(rule) }}
{%- endif %}
