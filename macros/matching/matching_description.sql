{#- Value: what training needs to know, kept in the manifest as meta of matching_patterns: the kinds with their levels'
    labels from 0 up, the kinds that each entity's blocking rules use, and which entities live in households. -#}
{% macro matching_description() -%}
    {%- set kinds = [] -%}
    {%- for kind, how in headwater.matching_kinds().items() -%}
        {%- set labels = ['different'] -%}
        {%- for label, _ in how.levels | reverse -%}{%- do labels.append(label) -%}{%- endfor -%}
        {%- do kinds.append({'name': kind, 'labels': labels, 'has_frequency': how.frequency, 'shared_from': 1 if how.get('shared', false) == 'agreement' else 0 if how.get('shared', false) else none,
            'identifies': how.get('identifies', false)}) -%}
    {%- endfor -%}
    {%- set rules, households = {}, [] -%}
    {%- set settings = headwater.matching_settings() -%}
    {%- for entity in settings.entities -%}
        {%- set used = [] -%}
        {%- for rule in entity.rules -%}{%- do used.append(headwater.matching_rule_kinds(rule)) -%}{%- endfor -%}
        {%- do rules.update({entity.name: used}) -%}
        {%- if entity.households -%}{%- do households.append(entity.name) -%}{%- endif -%}
    {%- endfor -%}
    {{ return({'kinds': kinds, 'rules': rules, 'households': households, 'accept': settings.accept}) }}
{%- endmacro %}

{#- Expression: of which two sources a pair is, where both records have a kind that identifies, since how many of one's records share it hangs on
    that; else nothing, so that pairs are counted together. -#}
{% macro matching_sources_told() -%}
    {%- set known, names = [], headwater.matching_kind_names() -%}
    {%- for kind in headwater._identifying_kinds() -%}
        {%- do known.append("substr(pattern, " ~ (names.index(kind) + 1) ~ ", 1) <> '-'") -%}
    {%- endfor -%}
    case when {{ known | join(' or ') }} then sources else '' end
{%- endmacro %}
