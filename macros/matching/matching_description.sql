{#- Value: what training needs to know, kept in the manifest as meta of matching_patterns: the kinds with their levels'
    labels from 0 up, and the kinds that each entity's blocking rules use. -#}
{% macro matching_description() -%}
    {%- set kinds = [] -%}
    {%- for kind, how in headwater.matching_kinds().items() -%}
        {%- set labels = ['different'] -%}
        {%- for label, _ in how.levels | reverse -%}{%- do labels.append(label) -%}{%- endfor -%}
        {%- do kinds.append({'name': kind, 'labels': labels, 'has_frequency': how.frequency, 'is_shared': how.get('shared', false)}) -%}
    {%- endfor -%}
    {%- set rules = {} -%}
    {%- for entity in headwater.matching_settings().entities -%}
        {%- set used = [] -%}
        {%- for rule in entity.rules -%}{%- do used.append(headwater.matching_rule_kinds(rule)) -%}{%- endfor -%}
        {%- do rules.update({entity.name: used}) -%}
    {%- endfor -%}
    {{ return({'kinds': kinds, 'rules': rules}) }}
{%- endmacro %}
