{#- Value: what training needs to know, kept in the manifest as meta of matching_patterns: the kinds with their levels'
    labels from 0 up, the kinds that each entity's blocking rules use, and which entities live in households. -#}
{% macro matching_description() -%}
    {%- set kinds = [] -%}
    {%- for kind, how in headwater.matching_kinds().items() -%}
        {%- set labels = ['different'] -%}
        {%- for label, _ in how.levels | reverse -%}{%- do labels.append(label) -%}{%- endfor -%}
        {%- do kinds.append({'name': kind, 'labels': labels, 'has_frequency': how.frequency, 'is_shared': how.get('shared', false)}) -%}
    {%- endfor -%}
    {%- set rules, households = {}, [] -%}
    {%- for entity in headwater.matching_settings().entities -%}
        {%- set used = [] -%}
        {%- for rule in entity.rules -%}{%- do used.append(headwater.matching_rule_kinds(rule)) -%}{%- endfor -%}
        {%- do rules.update({entity.name: used}) -%}
        {%- if entity.households -%}{%- do households.append(entity.name) -%}{%- endif -%}
    {%- endfor -%}
    {{ return({'kinds': kinds, 'rules': rules, 'households': households}) }}
{%- endmacro %}
