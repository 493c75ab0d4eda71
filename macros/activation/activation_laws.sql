{#- Statement, the post-hook that activation() gives its model: nothing, or an error that names the model, the law and the number of
    rows. The laws are asked of the finished table, by other SQL than decided: nobody is sent to without consent, suppressed or held
    out. On DuckDB the error rolls the table back to what it was; elsewhere the node has failed, and no push goes.
    consent: {channel, purpose}, or none. -#}
{% macro activation_laws(entity, consent=none, holdout_ignored_because=none) -%}
    {%- set consents = ref('headwater', 'profile_consent') if consent else none -%}
    {%- set suppressions = ref('headwater', 'profile_suppressions') if entity == 'person' else none -%}
    {%- if execute -%}
        {%- set broken = headwater._exposures_that_disagree(model, consent) -%}
        {%- if headwater._takes_people_out(model) -%}
            {%- set queries = [] -%}
        {%- else -%}
            {%- set queries = headwater._law_queries(
                model, this, entity, [consent] if consent else [], consents, suppressions, holdout_ignored_because,
                model.config.meta.get('activation', {}).get('no_consent_because')
            ) -%}
        {%- endif -%}
        {%- do broken.extend(headwater._broken_laws(queries)) -%}
        {%- if broken -%}
            {{ exceptions.raise_compiler_error(headwater._law_error(model, broken)) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Value: messages for on-run-end, by the id of the model: the same laws for every model that a sync sends and that brings no
    post-hook of its own, such as one in plain SQL. What consent it needs is said by its exposures. -#}
{% macro laws_broken_without_activation(results) -%}
    {%- set found = {} -%}
    {%- for result in results if result.node.resource_type == 'model' and result.status | string == 'success' -%}
        {%- set node = graph.nodes[result.node.unique_id] -%}
        {%- set syncs = headwater._syncs_of(node) -%}
        {%- if syncs and 'activation_laws(' not in node.config['post-hook'] | map(attribute='sql') | join
            and not headwater._takes_people_out(node) -%}
            {%- set relation = headwater._relation_of(node) -%}
            {%- set consents = [] -%}
            {%- for sync in syncs if sync.get('consent') and sync['consent'] not in consents -%}
                {%- do consents.append(sync['consent']) -%}
            {%- endfor -%}
            {%- set columns = headwater._column_names(relation) -%}
            {%- set entity = 'person' if consents or 'profile_id' in columns else 'account' -%}
            {%- set queries = headwater._law_queries(
                node, relation, entity, consents, headwater._relation_named('profile_consent'),
                headwater._relation_named('profile_suppressions'),
                node.config.meta.get('activation', {}).get('holdout_ignored_because'),
                node.config.meta.get('activation', {}).get('no_consent_because')
            ) -%}
            {%- set broken = headwater._broken_laws(queries) -%}
            {%- if broken -%}
                {%- do found.update({node.unique_id: headwater._law_error(node, broken)}) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: a query per law, by what the law says; each counts the rows that break it. -#}
{% macro _law_queries(node, relation, entity, asked, consents, suppressions, holdout_ignored_because, no_consent_because) -%}
    {%- set columns = headwater._column_names(relation) -%}
    {%- set id = 'profile_id' if entity == 'person' else 'account_id' -%}
    {%- if id not in columns -%}
        {{ exceptions.raise_compiler_error(
            node.name ~ " has no column " ~ id ~ ": whose row is whose must be known, or nobody can see that consent, suppression and"
            ~ " holdout are kept. Add it to the key or to fields: {'" ~ id ~ "': 'members." ~ id ~ "'}."
        ) }}
    {%- endif -%}
    {%- set is_sent = 'sent.withheld_reason is null' if 'withheld_reason' in columns else '1 = 1' -%}
    {#- Of a row without one, the laws below would find nothing to say. -#}
    {%- set queries = {
        'without a ' ~ id: 'select count(*) from ' ~ relation ~ ' as sent where ' ~ is_sent ~ ' and sent.' ~ id ~ ' is null'
    } -%}
    {%- if entity == 'person' and not asked and not no_consent_because -%}
        {%- do queries.update({
            'without a word on consent (say consent: in the sync, or in the model config: meta: activation: no_consent_because:)':
                'select count(*) from ' ~ relation ~ ' as sent where ' ~ is_sent
        }) -%}
    {%- endif -%}
    {%- for consent in asked if consents -%}
        {%- do queries.update({
            'without consent (' ~ consent['channel'] ~ ', ' ~ consent['purpose'] ~ ')':
                'select count(*) from ' ~ relation ~ ' as sent where ' ~ is_sent ~ ' and not exists (select 1 from ' ~ consents
                ~ ' as answers where answers.' ~ id ~ ' = sent.' ~ id ~ " and answers.state = 'opted_in' and answers.channel = "
                ~ headwater.string_literal(consent['channel']) ~ ' and answers.purpose = '
                ~ headwater.string_literal(consent['purpose']) ~ ')'
        }) -%}
    {%- endfor -%}
    {%- if suppressions and entity == 'person' -%}
        {%- set channels = ["'all'"] -%}
        {%- for consent in asked -%}{%- do channels.append(headwater.string_literal(consent['channel'])) -%}{%- endfor -%}
        {%- do queries.update({
            'though suppressed':
                'select count(*) from ' ~ relation ~ ' as sent where ' ~ is_sent ~ ' and exists (select 1 from ' ~ suppressions
                ~ ' as suppressed where suppressed.' ~ id ~ ' = sent.' ~ id ~ " and (suppressed.reason = 'erasure'"
                ~ (' or suppressed.channel in (' ~ channels | join(', ') ~ ')' if asked else '') ~ '))'
        }) -%}
    {%- endif -%}
    {%- for one in headwater._holdouts_above(node) if one.is_journey and entity == 'account' and 'touchpoint_id' in columns -%}
        {%- if headwater.key_of_journey(one.name) == 'account_id' -%}
            {%- do queries.update({
                'though messages of ' ~ one.name ~ ' to contacts, whose consent was not asked for (leave entity out)':
                    'select count(*) from ' ~ relation ~ ' as sent where ' ~ is_sent ~ ' and exists (select 1 from ' ~ one.relation
                    ~ ' as steps where steps.touchpoint_id = sent.touchpoint_id and steps.profile_id is not null and steps.channel is not null)'
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for one in headwater._holdouts_above(node) if not holdout_ignored_because -%}
        {%- set held_out_columns = headwater._column_names(one.relation) -%}
        {%- set keys = (['touchpoint_id'] if one.is_journey and 'touchpoint_id' in columns else [id]) + [node.config.meta.get('activation', {}).get('thing_key', id)] -%}
        {%- set key = keys | select('in', held_out_columns) | first | default(id) -%}
        {%- if key in held_out_columns and 'is_holdout' in held_out_columns -%}
            {%- do queries.update({
                'though held out of ' ~ one.name:
                    'select count(*) from ' ~ relation ~ ' as sent where ' ~ is_sent ~ ' and exists (select 1 from ' ~ one.relation
                    ~ ' as held_out where held_out.' ~ key ~ ' = sent.' ~ key
                    ~ ' and held_out.is_holdout)'
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(queries) }}
{%- endmacro %}

{% macro _broken_laws(queries) -%}
    {%- set broken = [] -%}
    {%- if queries -%}
        {%- set parts = [] -%}
        {%- for query in queries.values() -%}{%- do parts.append('(' ~ query ~ ') as law_' ~ loop.index) -%}{%- endfor -%}
        {%- set counts = run_query('select ' ~ parts | join(', ')).rows[0].values() -%}
        {%- for law, count in zip(queries, counts) if count -%}
            {%- do broken.append(count | int ~ ' rows are sent ' ~ law) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(broken) }}
{%- endmacro %}

{% macro _law_error(node, broken) -%}
    {{ return(
        'law broken in ' ~ node.name ~ ': ' ~ broken | join('; ') ~ '. Mend ' ~ node.original_file_path
        ~ ', so that withheld_reason names these rows; until then no sync sends this table.'
    ) }}
{%- endmacro %}

{#- Value: the audiences and journeys a model is built on, as far as the first on each way that audience() or journey() wrote: what is in
    plain SQL may forget who is held out of those below it. Each is {name, relation, is_journey}. -#}
{% macro _holdouts_above(node) -%}
    {%- set found, seen = [], [] -%}
    {%- set waiting = node.depends_on.nodes | list -%}
    {%- for step in range(10000) if waiting -%}
        {%- set one = graph.nodes.get(waiting.pop()) -%}
        {%- if one and one.resource_type == 'model' and one.unique_id not in seen and one.name not in ['audience_memberships', 'audience_holdouts'] -%}
            {%- do seen.append(one.unique_id) -%}
            {%- set is_journey = one.config.meta.get('journey') is not none or one.name.startswith('journey_') -%}
            {%- set is_audience = one.config.meta.get('audience') is not none or one.name.startswith('audience_') -%}
            {%- if is_journey or is_audience -%}
                {%- do found.append({'name': one.name, 'relation': headwater._relation_of(one), 'is_journey': is_journey}) -%}
            {%- endif -%}
            {%- if one.config.meta.get('journey') is none and one.config.meta.get('audience') is none -%}
                {%- do waiting.extend(one.depends_on.nodes) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: what each exposure that is a sync of this model says of it. -#}
{% macro _syncs_of(node) -%}
    {%- set found = [] -%}
    {%- for exposure in graph.exposures.values() if node.unique_id in exposure.depends_on.nodes -%}
        {%- set sync = headwater._sync_of(exposure) -%}
        {%- if sync -%}{%- do found.append(dict(sync, exposure=exposure.name)) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: the sync that an exposure is, over what activation() left in the meta of its model and need not be said again; empty where
    it is none. -#}
{% macro _sync_of(exposure) -%}
    {%- set meta = exposure.config.get('meta') or exposure.get('meta') or {} -%}
    {%- set sync = {} -%}
    {%- for model in exposure.depends_on.nodes if meta.get('sync') and model in graph.nodes -%}
        {%- do sync.update((graph.nodes[model].config.get('meta') or {}).get('activation') or {}) -%}
    {%- endfor -%}
    {%- do sync.update(meta.get('sync') or {}) -%}
    {{ return(sync) }}
{%- endmacro %}

{#- Value: whether all that is done with the model's rows is to take people out, for which nobody is asked. -#}
{% macro _takes_people_out(node) -%}
    {%- set modes = headwater._syncs_of(node) | map(attribute='mode') | unique | list -%}
    {{ return(modes == ['remove']) }}
{%- endmacro %}

{% macro _exposures_that_disagree(node, consent) -%}
    {%- set found = [] -%}
    {%- for sync in headwater._syncs_of(node) if sync.get('consent') and sync['consent'] != consent -%}
        {%- do found.append(
            'exposure ' ~ sync.exposure ~ ' asks for consent ' ~ sync['consent'] ~ ' and the model for ' ~ (consent or 'none')
        ) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro _relation_of(node) -%}
    {{ return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) }}
{%- endmacro %}

{#- Value: the relation of the model or seed of that name, or none. -#}
{% macro _relation_named(name) -%}
    {%- set node = headwater.node_named(name) -%}
    {{ return(headwater._relation_of(node) if node else none) }}
{%- endmacro %}

{#- Value: by a query without rows. On DuckDB the adapter's own way begins a transaction, which would take with it what the end of a
    run keeps. -#}
{% macro _column_names(relation) -%}
    {{ return(run_query('select * from ' ~ relation ~ ' where 1 = 0').column_names | map('lower') | list) }}
{%- endmacro %}
