{#- Nothing, or a compiler error that says what is wrong, where, what is allowed and the nearest name. -#}
{% macro _check_identity_entity(name, entity) -%}
    {%- set where = 'cdp_identity.' ~ name -%}
    {%- do headwater._identity_name(where, name) -%}
    {%- do headwater._identity_keys(where, entity, ['identifiers'], ['identifiers', 'attributes', 'records']) -%}
    {%- if entity['identifiers'] is not mapping or not entity['identifiers'] -%}
        {%- do headwater._identity_error(where ~ '.identifiers', 'expected one entry per identifier type') -%}
    {%- endif -%}
    {%- for type, rule in entity['identifiers'].items() -%}
        {%- do headwater._identity_name(where ~ '.identifiers', type) -%}
        {%- do headwater._check_identifier_rule(where ~ '.identifiers.' ~ type, rule or {}) -%}
    {%- endfor -%}
    {%- do headwater._check_identity_attributes(where ~ '.attributes', entity.get('attributes') or {}) -%}
    {%- set records = entity.get('records') or [] -%}
    {%- if records is not sequence or records is mapping or records is string -%}
        {%- do headwater._identity_error(where ~ '.records', 'expected a list with one entry per source of records') -%}
    {%- endif -%}
    {%- for source in records -%}
        {%- set here = where ~ '.records[' ~ loop.index0 ~ ']' -%}
        {%- do headwater._identity_keys(here, source, ['model', 'source_name', 'record_key', 'identifiers'], [
            'model', 'source_name', 'record_key', 'first_seen_at', 'last_seen_at', 'deleted_when', 'merged_into', 'needs_identifier', 'identifiers',
            'attributes', 'matching', 'role', 'job_title',
        ]) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Attributes are columns of records that tell people apart; each is of a kind that matching knows how to compare. -#}
{% macro _check_identity_attributes(where, attributes) -%}
    {%- if attributes is not mapping -%}
        {%- do headwater._identity_error(where, 'expected one entry per attribute, such as first_name: {}') -%}
    {%- endif -%}
    {%- set kinds = headwater.matching_kind_names() -%}
    {%- for name, attribute in attributes.items() -%}
        {%- do headwater._identity_name(where, name) -%}
        {%- if name in headwater.reserved_words() -%}
            {%- do headwater._identity_error(where, "'" ~ name ~ "' is a word that warehouses read as their own; call it otherwise, such as " ~ name ~ '_text: {kind: text}') -%}
        {%- endif -%}
        {%- do headwater._identity_keys(where ~ '.' ~ name, attribute or {}, [], ['kind']) -%}
        {%- set kind = (attribute or {}).get('kind', name) -%}
        {%- if kind not in kinds -%}
            {%- do headwater._identity_error(where ~ '.' ~ name ~ '.kind', "'" ~ kind ~ "' is not one of " ~ kinds | join(', ') ~ headwater.nearest(kind, kinds)) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _check_identifier_rule(where, rule) -%}
    {%- do headwater._identity_keys(where, rule, [], [
        'tier', 'exclusive', 'limit', 'merge_limit', 'window_days', 'normaliser', 'max_exclusive_ids', 'max_records',
        'blocked_values', 'allowed_values', 'kind', 'disposable',
    ]) -%}
    {%- if rule.get('kind') is not none and rule['kind'] not in headwater.identifier_kinds() -%}
        {%- do headwater._identity_error(where ~ '.kind', "'" ~ rule['kind'] ~ "' is not one of " ~ headwater.identifier_kinds() | join(', ')
            ~ headwater.nearest(rule['kind'], headwater.identifier_kinds())) -%}
    {%- endif -%}
    {%- for key in ['tier', 'limit', 'merge_limit', 'window_days', 'max_exclusive_ids', 'max_records'] if rule.get(key) is not none -%}
        {%- if rule[key] is boolean or rule[key] is not integer or rule[key] < 1 -%}
            {%- do headwater._identity_error(where ~ '.' ~ key, "'" ~ rule[key] ~ "' is not a whole number of at least 1") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if rule.get('tier', 1) >= headwater.identity_matching_tier() -%}
        {%- do headwater._identity_error(where ~ '.tier', rule['tier'] ~ ' is too high; tiers go from 1 to ' ~ (headwater.identity_matching_tier() - 1)) -%}
    {%- endif -%}
    {%- if rule.get('merge_limit') is not none and rule.get('limit') is not none and rule['merge_limit'] > rule['limit'] -%}
        {%- do headwater._identity_error(where ~ '.merge_limit', rule['merge_limit'] ~ ' is above the limit of ' ~ rule['limit']) -%}
    {%- endif -%}
    {%- for key in ['exclusive', 'disposable'] if rule.get(key, false) is not boolean -%}
        {%- do headwater._identity_error(where ~ '.' ~ key, "'" ~ rule[key] ~ "' is not true or false") -%}
    {%- endfor -%}
    {%- for key in ['limit', 'merge_limit'] if rule.get('disposable') and rule.get(key) is not none -%}
        {%- do headwater._identity_error(where ~ '.' ~ key, 'an id that is new at each visit takes no limit: leave out ' ~ key ~ ' or disposable') -%}
    {%- endfor -%}
    {%- do headwater._check_normaliser(where, rule.get('normaliser')) -%}
    {%- set allowed = rule.get('allowed_values') -%}
    {%- if allowed is not none and (allowed is string or allowed is mapping or allowed is not sequence) -%}
        {%- do headwater._identity_error(where ~ '.allowed_values', "'" ~ allowed ~ "' is not a list of values") -%}
    {%- endif -%}
    {%- set blocked = rule.get('blocked_values') -%}
    {%- if blocked is not none -%}
        {%- do headwater._identity_keys(where ~ '.blocked_values', blocked, [], ['exact', 'patterns', 'models']) -%}
        {%- for model in blocked.get('models', []) -%}
            {%- do headwater._identity_keys(where ~ '.blocked_values.models[' ~ loop.index0 ~ ']', model, ['model', 'column'], ['model', 'column']) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- Adds the patterns of blocked values that no warehouse can read: what is opened and never closed, and a repetition of nothing. -#}
{% macro note_wrong_patterns(problems) -%}
    {%- set places = {} -%}
    {%- set everywhere = var('cdp_identity_blocked_values', none) -%}
    {%- do places.update({'cdp_identity_blocked_values': everywhere}) -%}
    {%- set identity = var('cdp_identity', none) -%}
    {%- for name, entity in (identity.items() if identity is mapping else []) if entity is mapping and entity.get('identifiers') is mapping -%}
        {%- for type, rule in entity.identifiers.items() if rule is mapping -%}
            {%- do places.update({'cdp_identity.' ~ name ~ '.identifiers.' ~ type ~ '.blocked_values': rule.get('blocked_values')}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for where, blocked in places.items() if blocked is mapping and blocked.get('patterns') is sequence and blocked.patterns is not string -%}
        {%- for pattern in blocked.patterns if pattern is string -%}
            {%- set left = modules.re.sub('\\[\\^?\\]?[^\\]]*\\]', 'x', modules.re.sub('\\\\.', 'x', pattern)) -%}
            {%- if '[' in left or left.count('(') != left.count(')') or modules.re.search('(^|[(|])[*+?](?![:=!<P])', left.replace('(?', '(x')) or left.endswith('\\') -%}
                {%- do problems.append('vars: ' ~ where ~ ".patterns: '" ~ pattern ~ "' is no pattern: a bracket is open, or something is repeated that is not there."
                    ~ ' A sign that is meant as itself has a backslash before it, such as [.] or \\\\(.') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _check_record_source(where, source, types) -%}
    {%- do headwater._identity_name(where ~ '.source_name', source['source_name']) -%}
    {%- if source.get('needs_identifier', false) is not boolean -%}
        {%- do headwater._identity_error(where ~ '.needs_identifier', "'" ~ source['needs_identifier'] ~ "' is not true or false") -%}
    {%- endif -%}
    {%- if source['identifiers'] is not mapping -%}
        {%- do headwater._identity_error(where ~ '.identifiers', 'expected {type: column}') -%}
    {%- endif -%}
    {%- for type, column in source['identifiers'].items() -%}
        {%- if type not in types -%}
            {%- do headwater._identity_error(where ~ '.identifiers', "'" ~ type ~ "' is not one of " ~ types | join(', ') ~ headwater.nearest(type, types)) -%}
        {%- endif -%}
        {%- if column is mapping -%}
            {%- do headwater._identity_keys(where ~ '.identifiers.' ~ type, column, ['column'], ['column', 'normaliser', 'confirmed_by', 'disposable_when']) -%}
            {%- do headwater._check_normaliser(where ~ '.identifiers.' ~ type, column.get('normaliser')) -%}
            {%- if column.get('disposable_when') is not none and column['disposable_when'] is not boolean and column['disposable_when'] is not string -%}
                {%- do headwater._identity_error(where ~ '.identifiers.' ~ type ~ '.disposable_when', "'" ~ column['disposable_when']
                    ~ "' is neither a column of true and false, nor true") -%}
            {%- endif -%}
            {%- do headwater._check_confirmed_by(where ~ '.identifiers.' ~ type ~ '.confirmed_by', column.get('confirmed_by'), type, source['identifiers']) -%}
        {%- elif column is not string -%}
            {%- do headwater._identity_error(where ~ '.identifiers.' ~ type, "'" ~ column ~ "' is not the name of a column") -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- `confirmed_by` is a list of other identifiers of the same source. -#}
{% macro _check_confirmed_by(where, confirmed_by, type, identifiers) -%}
    {%- if confirmed_by is not none -%}
        {%- if confirmed_by is string or confirmed_by is mapping or confirmed_by is not sequence -%}
            {%- do headwater._identity_error(where, "'" ~ confirmed_by ~ "' is not a list of identifier types") -%}
        {%- endif -%}
        {%- set others = identifiers.keys() | reject('equalto', type) | list -%}
        {%- for other in confirmed_by if other not in others -%}
            {%- do headwater._identity_error(where, "'" ~ other ~ "' is not one of " ~ (others | join(', ') or 'the other identifiers, of which this source has none')
                ~ headwater.nearest(other, others)) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro _check_normaliser(where, normaliser) -%}
    {%- if normaliser is not none and normaliser not in context and normaliser not in headwater -%}
        {%- set known = context.keys() | select('string') | list -%}
        {%- set normalisers = [] -%}
        {%- for key in known if key.startswith('normalise_') or key in ['email_domain', 'sha256_hex'] -%}
            {%- do normalisers.append(key) -%}
        {%- endfor -%}
        {%- do headwater._identity_error(where ~ '.normaliser', "there is no macro '" ~ normaliser ~ "'; among those there are: "
            ~ normalisers | sort | join(', ') ~ headwater.nearest(normaliser, normalisers)) -%}
    {%- endif -%}
{%- endmacro %}

{#- Nothing, or an error for a mapping that lacks a key or has one nobody knows. -#}
{% macro _identity_keys(where, mapping_given, required, allowed) -%}
    {%- if mapping_given is not mapping -%}
        {%- do headwater._identity_error(where, "'" ~ mapping_given ~ "' is not a mapping of " ~ allowed | join(', ')) -%}
    {%- endif -%}
    {%- for key in mapping_given if key not in allowed -%}
        {%- do headwater._identity_error(where, "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) -%}
    {%- endfor -%}
    {%- for key in required if not mapping_given.get(key) -%}
        {%- do headwater._identity_error(where, "'" ~ key ~ "' is missing") -%}
    {%- endfor -%}
{%- endmacro %}

{#- Names become columns and parts of keys. -#}
{% macro _identity_name(where, name) -%}
    {%- if not modules.re.fullmatch('[a-z][a-z0-9_]*', name | string) -%}
        {%- do headwater._identity_error(where, "'" ~ name ~ "' is not a name of lower-case letters, digits and _ that starts with a letter") -%}
    {%- endif -%}
{%- endmacro %}

{% macro _identity_error(where, message) -%}
    {%- do headwater.stop_setting(('vars: ' if where.startswith('cdp_identity') else '') ~ where ~ ': ' ~ message ~ '.') -%}
{%- endmacro %}
