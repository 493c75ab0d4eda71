{#- Value: the checked configuration of `vars: cdp_identity` with every default filled in: a list of entities, each
    {name, identifiers: [...], records: [...]}. Anything wrong stops here, with where it is and what is allowed. -#}
{% macro identity_rules() -%}
    {%- set entities = [] -%}
    {%- if var('cdp_identity') is not mapping or not var('cdp_identity') -%}
        {%- do headwater._identity_error('cdp_identity', 'expected one entry per entity, such as person (docs/identity.md)') -%}
    {%- endif -%}
    {%- for name, entity in var('cdp_identity').items() -%}
        {%- do headwater._check_identity_entity(name, entity) -%}
        {%- set identifiers = [] -%}
        {%- for type, rule in entity['identifiers'].items() -%}
            {%- do identifiers.append(headwater._identifier_rule(type, rule or {})) -%}
        {%- endfor -%}
        {%- set records = [] -%}
        {%- for source in headwater.record_sources(name) -%}
            {%- do headwater._check_record_source('records of ' ~ name ~ ', ' ~ source.model, source, entity['identifiers']) -%}
            {%- do records.append(headwater._with_normalisers(source)) -%}
        {%- endfor -%}
        {%- do headwater._check_source_names(name, records) -%}
        {%- do entities.append({'name': name, 'identifiers': identifiers, 'records': records}) -%}
    {%- endfor -%}
    {{ return(entities) }}
{%- endmacro %}

{% macro _identifier_rule(type, rule) -%}
    {%- set blocked = rule.get('blocked_values') or {} -%}
    {{ return({
        'type': type,
        'tier': rule.get('tier', 1),
        'exclusive': rule.get('exclusive', false),
        'limit': rule.get('limit'),
        'merge_limit': rule.get('merge_limit', rule.get('limit')),
        'window_days': rule.get('window_days'),
        'normaliser': rule.get('normaliser'),
        'max_exclusive_ids': rule.get('max_exclusive_ids'),
        'max_records': rule.get('max_records'),
        'blocked_values': blocked.get('exact', []),
        'blocked_patterns': blocked.get('patterns', []),
        'blocked_models': blocked.get('models', []),
    }) }}
{%- endmacro %}

{#- Value: a source of records whose identifiers are all {column, and perhaps normaliser}. -#}
{% macro _with_normalisers(source) -%}
    {%- set identifiers = {} -%}
    {%- for type, column in source.identifiers.items() -%}
        {%- do identifiers.update({type: column if column is mapping else {'column': column}}) -%}
    {%- endfor -%}
    {{ return(dict(source, identifiers=identifiers)) }}
{%- endmacro %}

{% macro _check_source_names(entity, records) -%}
    {%- set names = records | map(attribute='source_name') | list -%}
    {%- for record in records -%}
        {%- set other = records[names.index(record.source_name)] -%}
        {%- if names.index(record.source_name) != loop.index0 -%}
            {%- do headwater._identity_error('records of ' ~ entity, "source_name '" ~ record.source_name ~ "' is used twice, by "
                ~ other.model ~ ' and ' ~ record.model ~ '; record keys would meet') -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: every identifier type of every entity once, in the order of the configuration. -#}
{% macro identity_types(entities) -%}
    {%- set types = [] -%}
    {%- for entity in entities -%}
        {%- for rule in entity.identifiers if rule.type not in types -%}
            {%- do types.append(rule.type) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(types) }}
{%- endmacro %}

{#- Value: the tiers in the order the guard takes them: hand-made links, the identifiers', then probable matches. -#}
{% macro identity_tiers(entities) -%}
    {%- set tiers = [0] -%}
    {%- for entity in entities -%}
        {%- for rule in entity.identifiers if rule.tier not in tiers -%}
            {%- do tiers.append(rule.tier) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if headwater.identity_matching_enabled() -%}
        {%- do tiers.append(headwater.identity_matching_tier()) -%}
    {%- endif -%}
    {{ return(tiers | sort) }}
{%- endmacro %}

{#- Value: whether pairs found by probability take part (var `cdp_matching`, docs/matching.md). -#}
{% macro identity_matching_enabled() -%}
    {{ return(((var('cdp_matching', {}) or {}).get('enabled', false)) | as_bool) }}
{%- endmacro %}

{#- Value: the tier of those pairs, after every other. -#}
{% macro identity_matching_tier() -%}
    {{ return(99) }}
{%- endmacro %}

{#- Expression: the most values of this edge's type that one entity may have (`limit`), or have after a merge
    (`merge_limit`); null without one. -#}
{% macro _limits(entities, name) %}
        case
            {%- for entity in entities %}
            {%- for rule in entity.identifiers if rule[name] is not none %}
            when entity = {{ headwater.string_literal(entity.name) }} and identifier_type = {{ headwater.string_literal(rule.type) }} then {{ rule[name] }}
            {%- endfor %}
            {%- endfor %}
            else cast(null as {{ dbt.type_int() }})
        end
{%- endmacro %}
