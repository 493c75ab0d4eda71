{#- Value: the names of the engine's models. Where settings and definitions name one of them, it is the engine's, whatever a project has of the
    same name; a list, since dbt knows of no model while it parses. -#}
{% macro own_models() -%}
    {{ return([
        'account_attributes', 'account_contacts', 'account_hierarchy', 'account_identifiers', 'account_records', 'accounts', 'audience_holdouts',
        'audience_memberships', 'campaign_attributions', 'campaign_audience_results', 'campaign_daily', 'campaign_events', 'campaign_lift',
        'campaign_lift_entries', 'campaign_sends', 'campaign_syncs', 'campaigns', 'consent_unclear', 'event_campaign_engaged', 'household_totals',
        'identity_aliases', 'identity_assignments', 'identity_clusters', 'identity_confidence', 'identity_conflicts', 'identity_edges',
        'identity_entity_identifiers', 'identity_entity_records', 'identity_history', 'identity_links', 'identity_records',
        'identity_values', 'int_campaigns__conversions', 'int_campaigns__touchpoints', 'int_identity__attributes_compared',
        'int_identity__domains', 'int_identity__identifiers_unconfirmed', 'int_identity__identifiers_unpivoted', 'int_identity__ids_folded', 'int_identity__ids_of_many',
        'int_identity__overrides_resolved', 'int_identity__values_blocked', 'int_identity__values_screened',
        'int_profiles__account_attribute_values', 'int_profiles__attribute_values', 'int_profiles__campaign_recipients_resolved',
        'int_profiles__consent_answers', 'int_profiles__consents_counted', 'int_profiles__identifier_holders',
        'int_profiles__values_that_bounced', 'matched_pairs', 'matching_blocks', 'matching_candidates', 'matching_comparisons',
        'matching_decided', 'matching_patterns', 'matching_random_comparisons', 'matching_records', 'matching_review', 'matching_rules',
        'matching_scores', 'matching_words', 'profile_attribute_candidates', 'profile_attributes', 'profile_consent',
        'profile_consent_answers', 'profile_households', 'profile_identifiers',
        'profile_identifiers_merged_away', 'profile_product_lines', 'profile_records', 'profile_suppressions', 'profiles',
        'stg_campaigns__campaign_daily', 'stg_campaigns__campaign_events', 'stg_campaigns__campaigns', 'stg_sync__acknowledgements',
        'stg_sync__batches', 'stg_sync__erasure_requests', 'stg_sync__erasure_tasks', 'stg_sync__failures', 'stg_sync__ledger',
        'stg_sync__runs', 'stg_sync__withheld',
    ]) }}
{%- endmacro %}

{#- Relation: that of a model which a setting or definition names; the engine's where it has one of that name. What a kept version of a journey
    names (`context.is_kept`) is read as it is in the warehouse: dbt knew nothing of it when it parsed. -#}
{% macro model_ref(name, context=none) -%}
    {%- if context and context.get('is_kept') -%}
        {{ return(headwater.kept_relation(context, name)) }}
    {%- endif -%}
    {{ return(ref('headwater', name) if name in headwater.own_models() else ref(name)) }}
{%- endmacro %}

{#- Value: whether a definition names a model, seed or snapshot that is not there, which is noted, with the nearest. A ref() of it would stop every command of dbt,
    so whoever calls this leaves the ref out. While dbt parses it knows no models yet, but the files that it has read: what has no file of its name, and stands in no
    properties or snapshot either, is none. dbt's v2 engine does not tell its files; there dbt itself stops. -#}
{% macro is_absent(context, name, path) -%}
    {%- if context.is_kept or name in headwater.own_models() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set names = headwater._names_there(context) -%}
    {%- if not names or name in names or (not execute and headwater._stands_in_properties(name)) -%}
        {#- dbt keeps what it read before a model came: of a definition that did not change since it has no ref. -#}
        {%- set is_late = execute and model.config is defined and "there is no model '" ~ name ~ "'" in ((model.config.get('meta') or {}).get('mistakes') or []) | join -%}
        {%- if is_late -%}
            {%- do headwater.note_problem(context, path, "the model '" ~ name ~ "' came after dbt had read this file, and dbt holds to what it read: run it once with --no-partial-parse") -%}
        {%- endif -%}
        {{ return(is_late) }}
    {%- endif -%}
    {%- set beginning, alike = name.split('_')[0] ~ '_', [] -%}
    {%- for other in names if other.startswith(beginning) -%}
        {%- do alike.append(other) -%}
    {%- endfor -%}
    {%- do headwater.note_problem(context, path, "there is no model '" ~ name ~ "'" ~ headwater.nearest(name, alike or names)) -%}
    {{ return(true) }}
{%- endmacro %}

{#- Value: the names of models, seeds and snapshots; while dbt parses, those of its files. Empty where neither is known. -#}
{% macro _names_there(context) -%}
    {%- if '(names)' not in context.columns -%}
        {%- set names = [] -%}
        {%- for node in (graph.nodes.values() if headwater.knows_graph() else []) if node.resource_type in ['model', 'seed', 'snapshot'] -%}
            {%- do names.append(node.name) -%}
        {%- endfor -%}
        {%- if not execute and ref.manifest is defined -%}
            {%- set files = ref.manifest.files.values() | selectattr('parse_file_type', 'in', ['model', 'seed', 'snapshot']) | map(attribute='path.relative_path') -%}
            {%- do names.extend(modules.re.findall('(?m)([^/\\\\\n]+)[.][a-z]+$', files | join('\n'))) -%}
        {%- endif -%}
        {%- do context.columns.update({'(names)': names}) -%}
    {%- endif -%}
    {{ return(context.columns['(names)']) }}
{%- endmacro %}

{#- Value: whether a file of properties, or one of snapshots, has a name: it may say that of a model whose file is called otherwise. -#}
{% macro _stands_in_properties(name) -%}
    {%- for file in ref.manifest.files.values() if file.dfy is defined or 'snapshot ' in (file.contents or '') -%}
        {%- if modules.re.search('\\b' ~ name ~ '\\b', file.dfy | string if file.dfy is defined else file.contents) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{#- Value: the node of a model, seed or snapshot: the engine's before one of this project, and that before any other; none where there is none. -#}
{% macro node_named(name) -%}
    {%- set found = [] -%}
    {%- for node in graph.get('nodes', {}).values() if node.name == name and node.resource_type in ['model', 'seed', 'snapshot'] -%}
        {%- do found.append(node) -%}
    {%- endfor -%}
    {%- set here = [model.package_name] if model is defined and model.package_name is defined else [] -%}
    {%- set ranked = [] -%}
    {%- for package in ['headwater'] + here -%}
        {%- do ranked.extend(found | selectattr('package_name', 'equalto', package) | list) -%}
    {%- endfor -%}
    {{ return((ranked + found) | first if found else none) }}
{%- endmacro %}
