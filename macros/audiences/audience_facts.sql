{#- Value: what is known of a registered audience: {entity, key, is_definition, has_holdout}. One of YAML says it in its definition; one of plain
    SQL by its described columns (account_id is of companies) or its `config: meta: audience: {entity}`, and may hold out. -#}
{% macro audience_facts(name) -%}
    {%- set node = headwater.registered_node('audiences', name) -%}
    {%- set definition = ((node.config or {}).get('meta') or {}).get('audience') -%}
    {%- set entity = (definition or {}).get('entity') or ('account' if 'account_id' in (node.columns or {}) else 'person') -%}
    {{ return({
        'entity': entity,
        'key': headwater.audience_entities()[entity].key,
        'is_definition': definition is mapping,
        'has_holdout': definition is none or definition is undefined or definition.get('holdout') is not none,
    }) }}
{%- endmacro %}
