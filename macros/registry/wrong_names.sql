{#- Value: what the settings, and what models say of themselves under `config: meta`, name and is not there, as dbt has read the project: a list of
    messages. Models, columns as far as they are known, identifiers, attributes, destinations. -#}
{% macro wrong_names() -%}
    {%- set problems = [] -%}
    {%- set nodes = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type in ['model', 'seed', 'snapshot'] -%}
        {%- do nodes.update({node.name: node}) if (nodes.get(node.name) or {}).package_name != 'headwater' -%}
    {%- endfor -%}
    {%- do headwater._note_taken_names(problems) -%}
    {%- do headwater._note_unread_seeds(problems) -%}
    {%- set lists = {} -%}
    {%- for kind in ['records', 'consents', 'traits', 'account_traits', 'product_line_traits', 'conversions', 'audiences', 'journeys'] -%}
        {%- do lists.update({kind: headwater.registry(kind)}) -%}
        {%- for name in lists[kind] if name not in nodes -%}
            {%- do problems.append(headwater._no_model('vars: cdp_registry: ' ~ kind, name, nodes)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do headwater._note_unregistered(problems, nodes, lists) -%}
    {%- do headwater._note_named_models(problems, nodes) -%}
    {%- do headwater._note_wrong_records(problems, nodes, lists.records) -%}
    {%- do headwater._note_wrong_consents(problems, nodes, lists.consents) -%}
    {%- do headwater._note_wrong_groups(problems, nodes, lists) -%}
    {%- do headwater._note_wrong_destinations(problems, nodes, lists.journeys) -%}
    {%- do headwater.note_columns_of_other_purposes(problems, nodes, lists) -%}
    {%- set ambiguous = headwater.ambiguous_views() -%}
    {%- if ambiguous -%}
        {%- do problems.append('target ' ~ target.name ~ ": the database is called '" ~ target.database ~ "' and so is the schema of " ~ ambiguous | join(', ')
            ~ ', where DuckDB cannot make views: give the file or the schema another name in profiles.yml, or make these models tables.') -%}
    {%- endif -%}
    {{ return(problems) }}
{%- endmacro %}

{#- Without the flag dbt finds a project's model of the same name where the engine refers to its own. -#}
{% macro _note_taken_names(problems) -%}
    {%- set taken = [] -%}
    {%- for node in graph.nodes.values() if node.package_name == 'headwater' and project_name != 'headwater' -%}
        {%- for parent in (node.depends_on or {}).get('nodes', []) -%}
            {%- set parts = parent.split('.') -%}
            {%- do taken.append(parent) if parts[0] == 'model' and parts[1] != 'headwater' and parts[2] in headwater.own_models() and parent not in taken -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for one in taken | sort -%}
        {%- do problems.append(graph.nodes[one].original_file_path ~ ": a model of Headwater's own is called '" ~ one.split('.')[2] ~ "' too, and Headwater would read this one."
            ~ ' Say flags: {require_ref_searches_node_package_before_root: true} in dbt_project.yml, as headwater init does, or give it another name.') -%}
    {%- endfor -%}
{%- endmacro %}

{#- What a team fills in for the engine to read takes the place of the engine's own file; beside it nothing reads it. -#}
{% macro _note_unread_seeds(problems) -%}
    {%- for name in ['identity_overrides', 'lifetime_parameters', 'matching_weights'] if 'seed.headwater.' ~ name in graph.nodes -%}
        {%- for node in graph.nodes.values() if node.name == name and node.package_name != 'headwater' and node.resource_type in ['seed', 'model'] -%}
            {%- do problems.append(node.original_file_path ~ ': nothing reads it, since Headwater has a seed of that name. Say in dbt_project.yml that it takes its place: seeds: {headwater: {'
                ~ name ~ ': {+enabled: false}}}.') -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _no_model(where, name, nodes) -%}
    {%- set others = [] -%}
    {%- for node in nodes.values() if node.package_name != 'headwater' or project_name == 'headwater' -%}
        {%- do others.append(node.name) -%}
    {%- endfor -%}
    {{ return(where ~ ": '" ~ name ~ "' is no model of this project, or one that is switched off" ~ (headwater.nearest(name, others) or '.')
        ~ ' Take it out, or write the model.') }}
{%- endmacro %}

{#- What nothing reads before the registry names it. -#}
{% macro _note_unregistered(problems, nodes, lists) -%}
    {%- for node in nodes.values() if node.resource_type == 'model' and (node.package_name != 'headwater' or project_name == 'headwater') -%}
        {%- set meta = node.config.get('meta') or {} -%}
        {%- set is_engine = node.package_name == 'headwater' and 'models/engine/' in node.original_file_path -%}
        {%- set kinds = [] -%}
        {%- if not is_engine and node.name not in ['audience_memberships', 'audience_holdouts']
            and (node.name.startswith('audience_') or meta.get('audience') is mapping) -%}
            {%- do kinds.append('audiences') -%}
        {%- endif -%}
        {%- if meta.get('journey') is mapping -%}
            {%- do kinds.append('journeys') -%}
        {%- endif -%}
        {%- if meta.get('consent') and not is_engine -%}
            {%- do kinds.append('consents') -%}
        {%- endif -%}
        {%- for entity in headwater.setting('cdp_identity') if meta.get('record') is mapping and entity in meta['record'] -%}
            {%- do kinds.append('records') -%}
        {%- endfor -%}
        {%- if meta.get('conversion') and not is_engine -%}
            {%- do kinds.append('conversions') -%}
        {%- endif -%}
        {%- for kind in kinds | unique if node.name not in lists[kind] -%}
            {%- do problems.append('vars: cdp_registry: ' ~ kind ~ ": '" ~ node.name ~ "' (" ~ node.original_file_path
                ~ ') is missing; nothing reads it before its name is added to the list. See docs/adopt.md.') -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- Models and columns that vars name. -#}
{% macro _note_named_models(problems, nodes) -%}
    {%- set named = [] -%}
    {%- for event in headwater.spelt_out_events() -%}
        {%- set where = 'vars: cdp_events: ' ~ event.name -%}
        {%- do named.append({'where': where, 'model': event.get('model', 'event_' ~ event.name), 'columns': {
            'key': event.get('key', 'event_id'), 'time': event.get('time', 'occurred_at'),
        }}) -%}
    {%- endfor -%}
    {%- for name, entity in headwater.setting('cdp_entities').items() -%}
        {%- do named.append({'where': 'vars: cdp_entities: ' ~ name, 'model': entity['model'], 'columns': dict({'key': entity['key']}, **(
            {'of': {'person': 'profile_id', 'account': 'account_id'}[entity['of']]} if entity.get('of') in ['person', 'account'] else {}
        ))}) -%}
    {%- endfor -%}
    {%- for name, model_name in headwater.setting('cdp_relations').items() -%}
        {%- do named.append({'where': 'vars: cdp_relations: ' ~ name, 'model': model_name, 'columns': {}}) -%}
    {%- endfor -%}
    {%- for entity, facts in headwater.setting('cdp_identity').items() -%}
        {%- for source in facts.get('records') or [] if source is mapping and source.get('model') -%}
            {%- do named.append({'where': 'vars: cdp_identity: ' ~ entity ~ ': records', 'model': source['model'], 'columns': {}}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for source in var('cdp_consent_sources', []) or [] if source is mapping and source.get('model') -%}
        {%- do named.append({'where': 'vars: cdp_consent_sources[' ~ loop.index0 ~ ']', 'model': source['model'],
            'columns': headwater._consent_columns(source)}) -%}
    {%- endfor -%}
    {%- for one in named -%}
        {%- if one.model not in nodes -%}
            {%- do problems.append(headwater._no_model(one.where, one.model, nodes)) -%}
        {%- else -%}
            {%- do headwater._note_missing_columns(problems, one.where, nodes[one.model], one.columns) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for column in (headwater.setting('cdp_unread').get('columns') or {}) -%}
        {%- set names = column.split('.') -%}
        {%- if names | length != 2 -%}
            {%- do problems.append("vars: cdp_unread.columns: '" ~ column ~ "' is no <model>.<column>.") -%}
        {%- elif names[0] not in nodes -%}
            {%- do problems.append(headwater._no_model('vars: cdp_unread.columns', names[0], nodes)) -%}
        {%- elif names[1] not in nodes[names[0]].get('raw_code', names[1]) and names[0] not in headwater.models_that_read_records() -%}
            {%- do problems.append("vars: cdp_unread.columns: '" ~ column ~ "': " ~ nodes[names[0]].original_file_path ~ ' reads no such column.') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in var('cdp_journeys_start_over', []) or [] if name not in nodes -%}
        {%- do problems.append(headwater._no_model('vars: cdp_journeys_start_over', name, nodes)) -%}
    {%- endfor -%}
{%- endmacro %}

{#- What registered records say of themselves. -#}
{% macro _note_wrong_records(problems, nodes, names) -%}
    {%- set identity = headwater.setting('cdp_identity') -%}
    {%- set survivorship = headwater.setting('cdp_survivorship') -%}
    {%- set matching = headwater.setting('cdp_matching') -%}
    {%- set taken, given = {}, {} -%}
    {%- for entity in identity -%}{%- do taken.update({entity: {}}) -%}{%- do given.update({entity: []}) -%}{%- endfor -%}
    {%- for name in names if name in nodes -%}
        {%- set node = nodes[name] -%}
        {%- set record = (node.config.get('meta') or {}).get('record') -%}
        {%- set where = node.original_file_path ~ ', ' ~ name ~ ', config: meta: record' -%}
        {%- if record is not mapping -%}
            {%- do problems.append(where ~ ': is missing, though vars: cdp_registry: records names the model. See docs/add-a-source.md.') -%}
        {%- else -%}
            {%- do headwater._note_record_keys(problems, where, record, identity) -%}
            {%- set columns = {} -%}
            {%- for key in ['key', 'first_seen_at', 'last_seen_at', 'deleted_when', 'merged_into'] -%}
                {%- do columns.update({key: record.get(key)}) -%}
            {%- endfor -%}
            {%- for entity in identity if record.get(entity) is mapping -%}
                {%- set facts = record[entity] -%}
                {%- set source_name = record.get('source_name') or headwater._default_source_name(name) -%}
                {%- if source_name in taken[entity] -%}
                    {%- do problems.append(where ~ ".source_name: '" ~ source_name ~ "' is that of " ~ taken[entity][source_name]
                        ~ ' already; record keys would meet. Give one of them another.') -%}
                {%- endif -%}
                {%- do taken[entity].update({source_name: name}) -%}
                {%- set types = (identity[entity].get('identifiers') or {}) | list -%}
                {%- set attributes = ((survivorship.get(entity) or {}).get('attributes') or {}) | list -%}
                {%- set compared = (identity[entity].get('attributes') or {}) | list -%}
                {%- set kinds = headwater.matching_kind_names() + ['full_name'] + (compared | reject('in', headwater.matching_kind_names()) | list) -%}
                {%- set places = {
                    'identifiers': ' They stand in vars: cdp_identity.' ~ entity ~ '.identifiers.',
                    'attributes': ' They stand in vars: cdp_survivorship.' ~ entity ~ '.attributes.',
                    'matching': ' Those of your own stand in vars: cdp_matching.kinds.'
                } -%}
                {%- for kind, allowed in {'identifiers': types, 'attributes': attributes, 'matching': kinds}.items() -%}
                    {%- for called, column in headwater._columns_by_name_or_none(facts.get(kind)).items() -%}
                        {%- if called not in allowed -%}
                            {%- do problems.append(where ~ '.' ~ entity ~ '.' ~ kind ~ ": '" ~ called ~ "' is not one of "
                                ~ (allowed | join(', ') or 'none, for there are none') ~ (headwater.nearest(called, allowed) or '.') ~ places[kind]
                                ~ (' What is only to tell people apart stands under matching.' if kind == 'attributes' and called in compared else '')) -%}
                        {%- endif -%}
                        {%- do columns.update({entity ~ '.' ~ kind ~ '.' ~ called: column.get('column') if column is mapping else column}) -%}
                        {%- if column is mapping and column.get('disposable_when') is string -%}
                            {%- do columns.update({entity ~ '.' ~ kind ~ '.' ~ called ~ '.disposable_when': column.disposable_when}) -%}
                        {%- endif -%}
                        {%- if kind == 'attributes' -%}{%- do given[entity].append(called) -%}{%- endif -%}
                    {%- endfor -%}
                {%- endfor -%}
                {%- set alone = headwater._columns_by_name_or_none(facts.get('matching')) | reject('in', compared) | list -%}
                {%- if alone and matching.get('enabled') and matching.get('entities') and entity not in matching.entities -%}
                    {%- do problems.append(where ~ '.' ~ entity ~ ".matching: '" ~ alone[0] ~ "' is compared by nobody: add " ~ entity
                        ~ ' to vars: cdp_matching.entities, or take that out, and all entities take part.') -%}
                {%- endif -%}
                {%- for key in ['role', 'job_title'] -%}{%- do columns.update({entity ~ '.' ~ key: facts.get(key)}) -%}{%- endfor -%}
            {%- endfor -%}
            {%- do headwater._note_missing_columns(problems, where, node, columns, is_record=true) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do headwater._note_attributes_of_nobody(problems, identity, survivorship, given) -%}
{%- endmacro %}

{% macro _note_record_keys(problems, where, record, identity) -%}
    {%- set allowed = ['source_name', 'key', 'first_seen_at', 'last_seen_at', 'deleted_when', 'merged_into'] + (identity | list) -%}
    {%- for key in record if key not in allowed -%}
        {%- do headwater._note_setting(problems, where, "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) -%}
    {%- endfor -%}
    {%- if not record.get('key') -%}
        {%- do headwater._note_setting(problems, where, 'key is missing: the column that names a record') -%}
    {%- endif -%}
    {%- set name = record.get('source_name') -%}
    {%- if name and modules.re.fullmatch('[a-z][a-z0-9_]*', name | string) is none -%}
        {%- do headwater._note_setting(problems, where ~ '.source_name', "'" ~ name ~ "' is not a name of lower-case letters, digits and _ that starts with a letter") -%}
    {%- endif -%}
    {%- set facts = ['identifiers', 'attributes', 'matching', 'needs_identifier', 'role', 'job_title'] -%}
    {%- for entity in identity if entity in record -%}
        {%- if record[entity] is not mapping -%}
            {%- do headwater._note_setting(problems, where ~ '.' ~ entity, 'is no mapping of ' ~ facts | join(', ')) -%}
        {%- else -%}
            {%- for key in record[entity] if key not in facts -%}
                {%- do headwater._note_setting(problems, where ~ '.' ~ entity, "'" ~ key ~ "' is not one of " ~ facts | join(', ') ~ headwater.nearest(key, facts)) -%}
            {%- endfor -%}
            {%- for key in ['identifiers', 'attributes', 'matching'] if record[entity].get(key) is string -%}
                {%- do headwater._note_setting(problems, where ~ '.' ~ entity ~ '.' ~ key, "'" ~ record[entity][key] ~ "' is no list of columns") -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _columns_by_name_or_none(given) -%}
    {{ return({} if given is string or not given else headwater._columns_by_name(given)) }}
{%- endmacro %}

{#- A golden attribute of an entity that some source gives attributes of, and none this one. -#}
{% macro _note_attributes_of_nobody(problems, identity, survivorship, given) -%}
    {%- for entity in identity -%}
        {%- for source in identity[entity].get('records') or [] if source is mapping -%}
            {%- do given[entity].extend(headwater._columns_by_name_or_none(source.get('attributes')) | list) -%}
        {%- endfor -%}
        {%- for name, rule in ((survivorship.get(entity) or {}).get('attributes') or {}).items() if given[entity] and name not in given[entity] -%}
            {%- do problems.append('vars: cdp_survivorship.' ~ entity ~ '.attributes.' ~ name
                ~ ": no source gives it; name it under `attributes` of a source's record, or take it out.") -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _note_wrong_consents(problems, nodes, names) -%}
    {%- for name in names if name in nodes -%}
        {%- set facts = (nodes[name].config.get('meta') or {}).get('consent') -%}
        {%- set where = nodes[name].original_file_path ~ ', ' ~ name ~ ', config: meta: consent' -%}
        {%- if not facts -%}
            {%- do problems.append(where ~ ': is missing, though vars: cdp_registry: consents names the model. See docs/consent.md.') -%}
        {%- endif -%}
        {%- for one in ([facts] if facts is mapping else facts or []) if one is mapping -%}
            {%- do headwater._note_missing_columns(problems, where, nodes[name], headwater._consent_columns(one)) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _consent_columns(source) -%}
    {%- set columns = {} -%}
    {%- for key in ['key', 'email', 'phone', 'basis', 'origin', 'recorded_at', 'loaded_at', 'confirmed_at', 'expires_at'] -%}
        {%- do columns.update({key: source.get(key)}) -%}
    {%- endfor -%}
    {%- for key in ['channel', 'purpose', 'answer', 'by_guardian'] if source.get(key) is mapping -%}
        {%- do columns.update({key: source[key].values() | first}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Keys of groups of traits, and columns of conversions. -#}
{% macro _note_wrong_groups(problems, nodes, lists) -%}
    {%- set keys = {'traits': ['profile_id'], 'account_traits': ['account_id'], 'product_line_traits': ['profile_id', 'product_line']} -%}
    {%- for kind, wanted in keys.items() -%}
        {%- for name in lists[kind] if name in nodes -%}
            {%- for key in wanted -%}
                {%- do headwater._note_missing_columns(problems, 'vars: cdp_registry: ' ~ kind ~ ': ' ~ name, nodes[name], {'the key of such a group': key}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name in lists.conversions if name in nodes -%}
        {%- set facts = (nodes[name].config.get('meta') or {}).get('conversion') -%}
        {%- set where = nodes[name].original_file_path ~ ', ' ~ name ~ ', config: meta: conversion' -%}
        {%- if facts and facts is not mapping -%}
            {%- do headwater._note_setting(problems, where, "'" ~ facts ~ "' is no mapping of name, id, value") -%}
        {%- else -%}
            {%- for key in facts or {} if key not in ['name', 'id', 'value'] -%}
                {%- do headwater._note_setting(problems, where, "'" ~ key ~ "' is not one of name, id, value" ~ headwater.nearest(key, ['name', 'id', 'value'])) -%}
            {%- endfor -%}
            {%- do headwater._note_missing_columns(problems, where, nodes[name], {
                'id': (facts or {}).get('id', 'event_id'), 'value': (facts or {}).get('value'),
            }) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Touchpoints for a destination that no sync sends to, though one of nearly that name does. -#}
{% macro _note_wrong_destinations(problems, nodes, names) -%}
    {%- set known = [] -%}
    {%- for exposure in graph.exposures.values() -%}
        {%- set sync = (exposure.config.get('meta') or {}).get('sync') -%}
        {%- if sync is mapping and sync.get('destination') -%}{%- do known.append(sync['destination']) -%}{%- endif -%}
    {%- endfor -%}
    {%- for name in names if known and name in nodes -%}
        {%- set definition = (nodes[name].config.get('meta') or {}).get('journey') -%}
        {%- if definition is mapping -%}
            {%- for step in headwater._touchpoints_of(definition) if step.destination not in known -%}
                {%- if headwater.nearest(step.destination, known) -%}
                    {%- do problems.append(name ~ ', ' ~ step.name ~ ": no sync sends to '" ~ step.destination ~ "'" ~ headwater.nearest(step.destination, known)
                        ~ ' Syncs send to ' ~ known | unique | sort | join(', ') ~ '.') -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: {name, destination} of every touchpoint in a part of a definition, however deep. -#}
{% macro _touchpoints_of(part) -%}
    {%- set found = [] -%}
    {%- if part is mapping and part.get('touchpoint') is mapping and part['touchpoint'].get('destination') -%}
        {%- do found.append({'name': part.get('name', 'touchpoint'), 'destination': part['touchpoint']['destination']}) -%}
    {%- elif part is mapping or (part is not string and part is iterable) -%}
        {%- for one in (part.values() if part is mapping else part) -%}
            {%- do found.extend(headwater._touchpoints_of(one)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{#- Nothing; notes each name of `columns`, {what it is for: name}, that the model cannot have. An expression is taken as it is. -#}
{% macro _note_missing_columns(problems, where, node, columns, is_record=false) -%}
    {%- for place, column in columns.items() if column is string and modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', column)
            and column | lower not in ['true', 'false', 'null'] -%}
        {%- set known = headwater._columns_it_can_have(node, column, is_record) -%}
        {%- if known is not none and column | lower not in known | map('lower') -%}
            {%- set told = ' as its YAML describes it, which has to name all that a record or a contract has' if is_record and node.columns else '' -%}
            {%- do problems.append(where ~ ': ' ~ place ~ ": '" ~ column ~ "' is no column of " ~ node.name ~ ' (' ~ node.original_file_path ~ ')'
                ~ (headwater.nearest(column, known) or told ~ '.')) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: names of which a model's columns are some, or none where they cannot be told before it is built: those its YAML describes, where a contract or
    a record has to have all it names there; those of its table, where this run does not make it anew; else, where `column` is no word of its SQL and no
    `*` could bring it, the words there are. -#}
{% macro _columns_it_can_have(node, column, is_record=false) -%}
    {%- set described = (node.columns or {}).values() | map(attribute='name') | list -%}
    {%- if described and (is_record or (node.config.get('contract') or {}).get('enforced') or column in described) -%}
        {{ return(described) }}
    {%- elif node.resource_type != 'model' -%}
        {{ return(none) }}
    {%- elif selected_resources is defined and selected_resources and node.unique_id not in selected_resources -%}
        {%- set relation = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
        {%- if relation -%}
            {{ return(adapter.get_columns_in_relation(relation) | map(attribute='name') | list) }}
        {%- endif -%}
    {%- endif -%}
    {%- set code = modules.re.sub('(?s)--[^\n]*|/[*].*?[*]/|[{]#.*?#[}]|[{][{]-?[ \n]*config[(].*?[)][ \n]*-?[}][}]', ' ', node.get('raw_code') or '') -%}
    {%- set words = modules.re.findall('[A-Za-z_][A-Za-z0-9_]*', code) | unique | list -%}
    {%- if 'event_traits' in words or 'lifetime_scores' in words or 'company_traits' in words -%}
        {%- do words.extend(['profile_id', 'account_id']) -%}
    {%- endif -%}
    {%- if 'lifetime_scores' in words -%}
        {%- do words.extend(headwater.lifetime_columns()) -%}
    {%- endif -%}
    {%- if not code or column | lower in words | map('lower') -%}
        {{ return(none) }}
    {%- endif -%}
    {#- Jinja of the team's own may write any column. -#}
    {%- set jinja = modules.re.findall('(?s)[{][{%].*?[%}][}]', code) -%}
    {%- for part in jinja if modules.re.match('[{][{%]-?[ \n]*(ref|source|config|var|set|headwater[.]|dbt[.]|do config)', part) is none -%}
        {{ return(none) }}
    {%- endfor -%}
    {%- if modules.re.findall('[*]', modules.re.sub('count[(][*][)]', '', code)) -%}
        {%- for id in node.depends_on.nodes -%}
            {%- set parent = graph.sources.get(id) -%}
            {%- set relation = adapter.get_relation(database=parent.database, schema=parent.schema, identifier=parent.identifier) if parent else none -%}
            {%- if not relation -%}
                {{ return(none) }}
            {%- endif -%}
            {%- do words.extend(adapter.get_columns_in_relation(relation) | map(attribute='name')) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(words) }}
{%- endmacro %}

{#- Nothing; a line each in the log where nobody is known, or nobody has said yes: all is green then, and nobody is sent to. -#}
{% macro tell_what_is_missing() -%}
    {%- if headwater._dbt_runs_nodes() -%}
        {%- set is_known = [] -%}
        {%- for entity, facts in headwater.setting('cdp_identity').items() if facts.get('records') -%}{%- do is_known.append(entity) -%}{%- endfor -%}
        {%- if not headwater.registry('records') and not is_known -%}
            {%- do log("Headwater: no model of records is registered (vars: cdp_registry: records), so there will be no profiles. "
                ~ "`headwater init --from-models` proposes them; docs/add-a-source.md says what a record is.", info=true) -%}
        {%- elif not headwater.registry('consents') and not (var('cdp_consent_sources', []) or []) -%}
            {%- set asking = [] -%}
            {%- for node in graph.nodes.values() if node.resource_type == 'model' and ((node.config.get('meta') or {}).get('activation') or {}).get('consent') -%}
                {%- do asking.append(node.name) -%}
            {%- endfor -%}
            {%- if asking -%}
                {%- do log("Headwater: no source of consent is registered (vars: cdp_registry: consents), so " ~ asking | join(', ')
                    ~ " will send to nobody: all are withheld as no_consent. docs/consent.md says how answers are read.", info=true) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
