{#- Value: the checked configuration of `vars: cdp_identity` with every default filled in: a list of entities, each
    {name, identifiers: [...], attributes: {...}, records: [...]}. Anything wrong stops here, with where it is and what is allowed. -#}
{% macro identity_rules() -%}
    {%- set entities = [] -%}
    {%- if headwater.setting('cdp_identity') is not mapping or not headwater.setting('cdp_identity') -%}
        {%- do headwater._identity_error('cdp_identity', 'expected one entry per entity, such as person (docs/identity.md)') -%}
    {%- endif -%}
    {%- for name, entity in headwater.setting('cdp_identity').items() -%}
        {%- do headwater._check_identity_entity(name, entity) -%}
        {%- set identifiers = [] -%}
        {%- for type, rule in entity['identifiers'].items() -%}
            {%- do identifiers.append(headwater._identifier_rule(type, rule or {})) -%}
        {%- endfor -%}
        {%- set records = [] -%}
        {%- for source in headwater.record_sources(name) -%}
            {%- do headwater._check_record_source('records of ' ~ name ~ ', ' ~ source.model, source, entity['identifiers']) -%}
            {%- do records.append(headwater._with_normalisers(source, identifiers)) -%}
        {%- endfor -%}
        {%- do headwater._check_source_names(name, records) -%}
        {%- do entities.append({'name': name, 'identifiers': identifiers, 'attributes': entity.get('attributes') or {}, 'records': records}) -%}
    {%- endfor -%}
    {{ return(entities) }}
{%- endmacro %}

{% macro _identifier_rule(type, rule) -%}
    {%- set blocked = rule.get('blocked_values') or {} -%}
    {%- set kind = headwater.identifier_kind(type, rule) -%}
    {{ return({
        'type': type,
        'kind': kind,
        'tier': rule.get('tier', 1),
        'exclusive': rule.get('exclusive', false),
        'disposable': rule.get('disposable', false),
        'limit': rule.get('limit'),
        'merge_limit': rule.get('merge_limit', 1 if kind == 'tax_id' else rule.get('limit')),
        'window_days': rule.get('window_days'),
        'normaliser': rule.get('normaliser', 'normalise_domain' if kind == 'domain' else none),
        'max_exclusive_ids': rule.get('max_exclusive_ids'),
        'max_records': rule.get('max_records'),
        'allowed_values': rule.get('allowed_values') or [],
        'blocked_values': blocked.get('exact', []),
        'blocked_patterns': blocked.get('patterns', []),
        'blocked_models': blocked.get('models', []),
    }) }}
{%- endmacro %}

{#- Value: what the values of a type are (`kind`): a type that is called email, phone or domain, or as tax numbers are called, is one unless
    told otherwise. -#}
{% macro identifier_kind(type, rule) -%}
    {%- set called = 'tax_id' if type in ['vat', 'vat_id', 'vat_no', 'vat_number', 'tax_no', 'tax_number', 'tin', 'ust_id'] else
        'email' if type in ['email_address', 'e_mail', 'mail'] else 'phone' if type in ['phone_number', 'mobile', 'mobile_phone', 'telephone'] else type -%}
    {{ return(rule.get('kind', called if called in headwater.identifier_kinds() else 'plain')) }}
{%- endmacro %}

{% macro identifier_kinds() -%}
    {{ return(['email', 'phone', 'domain', 'tax_id', 'plain']) }}
{%- endmacro %}

{#- Value: a source of records whose identifiers are all {column, and perhaps normaliser and confirmed_by}. The domain of an e-mail
    address is no company's word on itself: unless told otherwise the exclusive ids that the record carries must confirm it. -#}
{% macro _with_normalisers(source, rules) -%}
    {%- set identifiers = {} -%}
    {%- for type, told in source.identifiers.items() -%}
        {%- set column = dict(told) if told is mapping else {'column': told} -%}
        {%- if column.get('confirmed_by') is none and column.get('normaliser') == 'email_domain' -%}
            {%- set ids = [] -%}
            {%- for rule in rules if rule.exclusive and rule.type != type and rule.type in source.identifiers -%}
                {%- do ids.append(rule.type) -%}
            {%- endfor -%}
            {%- do column.update({'confirmed_by': ids}) -%}
        {%- endif -%}
        {%- do identifiers.update({type: column}) -%}
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

{#- Value: the identifier types of any entity whose values are domains. -#}
{% macro identity_domain_types(entities) -%}
    {%- set types = [] -%}
    {%- for entity in entities -%}
        {%- for rule in entity.identifiers if rule.kind == 'domain' and rule.type not in types -%}
            {%- do types.append(rule.type) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(types) }}
{%- endmacro %}

{#- Value: the identifier types of which some source says, record by record, that an id is disposable. -#}
{% macro identity_disposable_types(entities) -%}
    {%- set types = [] -%}
    {%- for entity in entities -%}
        {%- for source in entity.records -%}
            {%- for type, column in source.identifiers.items() if column.get('disposable_when') is not none and type not in types -%}
                {%- do types.append(type) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(types) }}
{%- endmacro %}

{#- Expression: whether a record says that its id of a type was given for one visit; null where its source does not say. -#}
{% macro identity_disposable_when(column) -%}
    {%- set told = (column or {}).get('disposable_when') -%}
    {{ return("cast(" ~ ('null' if told is none else (told | string | lower if told is boolean else told)) ~ " as " ~ dbt.type_boolean() ~ ")") }}
{%- endmacro %}

{#- Value: what must be confirmed: {entity, source_name, type, confirmed_by: [types]} each. -#}
{% macro identity_confirmations(entities) -%}
    {%- set confirmations = [] -%}
    {%- for entity in entities -%}
        {%- for source in entity.records -%}
            {%- for type, column in source.identifiers.items() if column.get('confirmed_by') -%}
                {%- do confirmations.append({
                    'entity': entity.name, 'source_name': source.source_name, 'type': type, 'confirmed_by': column.confirmed_by,
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(confirmations) }}
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
    {{ return((headwater.setting('cdp_matching').get('enabled', false)) | as_bool) }}
{%- endmacro %}

{#- Value: the tier of those pairs, after every other. -#}
{% macro identity_matching_tier() -%}
    {{ return(99) }}
{%- endmacro %}

{#- Expression: the most values of this edge's type that one entity may have (`limit`), or have after a merge
    (`merge_limit`); null without one. -#}
{% macro _limits(entities, name) %}
        case
            when 1 = 0 then 0
            {%- for entity in entities %}
            {%- for rule in entity.identifiers if rule[name] is not none %}
            when entity = {{ headwater.string_literal(entity.name) }} and identifier_type = {{ headwater.string_literal(rule.type) }} then {{ rule[name] }}
            {%- endfor %}
            {%- endfor %}
            else cast(null as {{ dbt.type_int() }})
        end
{%- endmacro %}

{#- Expression: how good a record's claim is to a value of this type, should people decide that two who carry it are two.
    Best is the record of the account itself (its key is an identifier), then one that carries a more trusted id, then any;
    among equals who had it first, or last where values change hands (`window_days`); a date that is still to come is none. It never changes
    by itself. -#}
{% macro identity_claim(entity, rule) -%}
    {%- set account_sources = [] -%}
    {%- for source in entity.records -%}
        {%- for type, column in source.identifiers.items() if column.column == source.record_key -%}
            {%- set own = headwater.string_literal(source.source_name) -%}
            {%- if column.get('disposable_when') is not none -%}
                {%- do account_sources.append("source_name = " ~ own ~ " and not coalesce(" ~ type ~ "_disposable, false)") -%}
            {%- elif not (entity.identifiers | selectattr('type', 'equalto', type) | first).disposable -%}
                {%- do account_sources.append("source_name = " ~ own) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set known_at = "case when first_seen_at <= " ~ headwater.timestamp_add(headwater.cdp_now(), 1, 'day') ~ " then first_seen_at end" -%}
    {%- set seconds = headwater.seconds_between(headwater.timestamp_literal('1970-01-01 00:00:00'), known_at) %}
        case
            when 1 = 0 then 0
            {%- for condition in account_sources %}
            when {{ condition }} then 2000000000000
            {%- endfor %}
            {%- for other in entity.identifiers if other.exclusive and other.tier < rule.tier %}
            when {{ other.type }}_value is not null then 1000000000000
            {%- endfor %}
            else cast(0 as {{ dbt.type_bigint() }})
        end + coalesce({{ seconds if rule.window_days else '100000000000 - ' ~ seconds }}, 0)
{%- endmacro %}
