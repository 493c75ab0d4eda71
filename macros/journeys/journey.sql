{#- Relation-shaped query, the whole of a journey model: a log of every step every person took, to which each build adds the steps
    that have become due (docs/add-a-journey.md). Nothing in the log is ever changed, and the macro itself sets what keeps it.
    The definition is YAML: entry {audience}, {did} or {date}, exit_when (a condition), re_entry (never, {after}), steps: a list of
    {wait: {for}} | {wait: {until: condition, timeout}} | {wait: {time, weekday}} | {wait: {date, before}} |
    {touchpoint: {destination, channel, template}} | {split: {arm: {percent, steps}}} |
    {branch: {if: condition, then: [steps], else: [steps]}} | {goal: condition} | {exit: {}}, and what journey_written_out() makes such steps of:
    {repeat: {at_most, until, steps}} | {branch: {cases}} | {task: {destination, template}}, or {jump: {to}}; each step but exit and jump has a `name`;
    and whose people go on by it, migrate [version], and what became of steps since they entered: renamed {new: old}, removed [old],
    inserted {step: newcomers | everybody}.
    A step of a later branch may say {engaged: {touchpoint: name, kind: opened}} as its condition.
    With `entity: account` a company goes through it, and its touchpoints to its contacts (journey_contacts.sql).
    Columns: step_id, journey_name, profile_id (of companies account_id, and profile_id of a contact's rows), entry_number, node, node_type, outcome, touchpoint_id, destination, channel, template,
    is_holdout, happened_at, entry_key (of an entry's row: the event, or the date), version (of an entry's row: the definition it was by). -#}
{% macro journey(definition) -%}
{%- if headwater.is_switched_off() -%}
    {{ return('') }}
{%- endif -%}
{%- if headwater.is_offline() and not execute -%}
    {%- set told = fromyaml(definition, {}) -%}
    {{- config(meta={'journey': told} if told is mapping else {}) -}}
    {{ return('select 1 as one') }}
{%- endif -%}
{%- set kept = ((model.config.get('meta') or {}).get('mistakes') or []) if execute else [] -%}
{%- set problems = [] -%}
{%- set parsed = headwater.read_definition(definition, "entry: and steps:", problems) -%}
{{- config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='step_id',
    full_refresh=false,
    on_schema_change='append_new_columns',
    tags=['journey'],
    meta={'journey': parsed or {}},
    post_hook='{{ headwater.keep_journey_version() }}',
) -}}
{%- set nodes = headwater.journey_nodes(parsed, problems) if parsed else [] -%}
{%- if not parsed or problems or kept -%}
    {#- Whatever else is wrong is told at once, and the refs of a wrong one are known too. Its log is not asked, whose refs it has not all been read with. -#}
    {%- do headwater.journey_query(parsed, nodes, model.name, none, {}, false, problems=problems) if parsed -%}
    {%- do headwater.is_wrong(headwater.with_lines(definition, problems)) -%}
    {%- do headwater.stop_for(kept) -%}
    {{ return('select 1 as one') }}
{%- endif -%}
{%- set is_build = execute and model.resource_type == 'model' and flags.WHICH in ['build', 'run', 'retry'] -%}
{%- set log = this if is_incremental() else none -%}
{%- do headwater._journey_refuse_other_entity(parsed, log) if is_build and log -%}
{%- do headwater._journey_check_log(log) if is_build -%}
{%- set versions = headwater.journey_versions(parsed, model.name, log) if is_build else none -%}
{%- set known = headwater._journey_known(parsed, nodes, log, versions.current) if log and is_build else {} -%}
{%- set query = headwater.journey_query(parsed, nodes, model.name, log, known, is_build, versions=versions, problems=problems) -%}
{%- if headwater.is_wrong(headwater.with_lines(definition, problems)) -%}
    {{ return('select 1 as one') }}
{%- endif -%}
{{ query }}
{%- endmacro %}

{#- Relation-shaped query: the steps that a build now would add to the `log` of the journey of that `name`, none where it has no log yet. `known` are the
    names of the steps that people in it may have met; `asks` whether tables may be asked while dbt compiles; `members` a query that stands for the audience
    that lets in; `versions` what journey_versions() returns, or none. Mistakes are noted in `problems`, and then it is no query. -#}
{% macro journey_query(parsed, nodes, name, log, known, asks, members=none, versions=none, problems=[]) -%}
{%- set id = versions.id if versions else headwater.journey_version(parsed) -%}
{%- if not versions or not versions.kept -%}
    {{ return(headwater._journey_by_version(parsed, nodes, name, log, known, asks, members, {'id': id, 'ids': none, 'problems': problems})) }}
{%- endif -%}
with
{% set earlier = [] -%}
{% for one in versions.kept %}
of_{{ one.id }} as (

    {{ headwater._journey_by_version(one.parsed, one.nodes, name, log, headwater._journey_known(one.parsed, one.nodes, log, one.ids, checks=false), asks, none, {
        'id': one.id, 'ids': one.ids, 'is_kept': true, 'earlier': earlier | list, 'inside': one.inside, 'problems': [],
    }) | indent(4) }}

),
{% do earlier.append({'cte': 'of_' ~ one.id, 'definition': one.parsed}) %}
{%- endfor %}
of_{{ id }} as (

    {{ headwater._journey_by_version(parsed, nodes, name, log, known, asks, members, {'id': id, 'ids': versions.current, 'earlier': earlier | list, 'problems': problems}) | indent(4) }}

)
{% for one in versions.kept %}
select * from of_{{ one.id }}
union all
{%- endfor %}
select * from of_{{ id }}
{%- endmacro %}

{#- Relation-shaped query: the same of the people of one version, {id, ids, is_kept, earlier, inside}: those who entered by one of `ids`, all where there are
    none. Nobody comes in by a kept one; what the `earlier` ones send in this build counts for the caps. -#}
{% macro _journey_by_version(parsed, nodes, name, log, known, asks, members, version) -%}
{%- set context = headwater.audience_context(headwater.journey_entity(parsed)) -%}
{%- set key, of_companies = context.key, context.entity == 'account' -%}
{%- do context.update({
    'name': name, 'log': log, 'asks': asks, 'version': version.id, 'ids': version.ids, 'is_kept': version.get('is_kept', false),
    'inside': version.get('inside', 0), 'earlier': version.get('earlier', []), 'problems': version.problems,
}) -%}
{%- set ever = 'logged_ever' if context.ids else 'logged' -%}
{%- set entry = headwater._journey_entry(parsed, context) -%}
{%- do context.update({'spans': 'spans', 'is_many': entry.is_many, 'entry_event': entry.event, 'entry_columns': []}) -%}
{%- set exit_predicate = headwater.condition_predicate(context, parsed['exit_when'], 'exit_when') if 'exit_when' in parsed else none -%}
{%- set rules = headwater.contact_rules() -%}
{%- set ruled = nodes | selectattr('type', 'equalto', 'touchpoint') | rejectattr('when_not_allowed', 'equalto', 'send') | list if rules else [] -%}
{%- set beside = headwater.journeys_beside(context) if ruled or 'exclusion' in parsed else [] -%}
{%- set timed = [] -%}
{%- for node in nodes if node.get('clock') -%}
    {%- if 'date' in node.clock -%}
        {%- do node.clock.update({'has_come': headwater._journey_date_has_come(context, node.clock, node.path ~ '.date')}) -%}
    {%- else -%}
        {%- do timed.append(node.name) -%}
        {%- if node.clock.best -%}
            {%- set best = {'hour': 'most_often'} -%}
            {%- do best.update(node.clock.best) -%}
            {%- do node.clock.update({'best_column': headwater.told_figure(context, best, node.path ~ '.best_hour')}) -%}
        {%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- set zones = headwater.contact_zones(context, rules or {'zone_column': 'time_zone'}) if timed or (ruled and not of_companies) else none -%}
{%- do headwater.choose_contacts(context, nodes, rules if ruled else none) if of_companies -%}
{%- set excluded = headwater._journey_excluded(parsed, beside, context) if 'exclusion' in parsed and not context.is_kept else '' -%}
{%- set version_column = headwater._journey_version_column(log, 'steps') if context.ids else none -%}
{%- set leaves_out = parsed['entry'].get('existing') == 'leave_out' and not log -%}
{%- set predicates = {} -%}
{%- for node in nodes if node.condition and not node.condition.get('engaged') -%}
    {%- do context.update({'spans': 'spans__' ~ node.name if node.type == 'wait' else 'spans', 'has_end': node.type == 'wait'}) -%}
    {%- do predicates.update({node.name: headwater.condition_predicate(context, node.condition, node.asked_at)}) -%}
{%- endfor -%}
{%- do headwater.stop_for_kept(context) -%}
{%- if context.problems -%}
    {{ return('') }}
{%- endif -%}
with

{# The relation is written out: in its first build it is not there yet. -#}
{{ ever }} as (

    {% if log -%}
    select
        {{ key }},
        entry_number,
        node,
        min(node_type) as node_type,
        min(outcome) as outcome,
        max(case when is_holdout then 1 else 0 end) = 1 as is_holdout,
        min(happened_at) as happened_at,
        max(happened_at) as last_at
        {%- if context.ids %},
        min(version) as version
        {%- endif %}

    from (
        {{ headwater._journey_known_steps(parsed, log, version_column) | indent(8) }}
    ) as known_steps

    group by {{ key }}, entry_number, node
    {%- else -%}
    {#- The same columns, no rows; the refs are those of every build. -#}
    select
        identity_aliases.live_id as {{ key }},
        cast(1 as {{ dbt.type_int() }}) as entry_number,
        identity_aliases.live_id as node,
        identity_aliases.live_id as node_type,
        identity_aliases.live_id as outcome,
        1 = 0 as is_holdout,
        {{ headwater.cdp_now() }} as happened_at,
        {{ headwater.cdp_now() }} as last_at

    from {{ ref('headwater', 'identity_aliases') }} as identity_aliases

    where 1 = 0
    {%- endif %}

),

{% if of_companies -%}
{{ headwater._journey_written(parsed, log) }}

{% endif -%}
{% if context.ids -%}
{# Those of this version. -#}
logged as (

    select logged_ever.*

    from logged_ever

    inner join logged_ever as entered
        on logged_ever.{{ key }} = entered.{{ key }}
        and logged_ever.entry_number = entered.entry_number
        and entered.node = 'entry'

    where entered.version in ({{ headwater.string_literals(context.ids) }})

),

{% endif -%}
{% if entry.is_many %}people{% else %}candidates{% endif %} as (

    select
        {{ context.model }}.{{ key }}
        {%- for trait in context.traits %},
        {{ context.model }}.{{ trait }}
        {%- endfor %}
        {%- for figure in context.figures %},
        {{ figure }} as figure_{{ loop.index }}
        {%- endfor %}

    from {{ headwater.entity_rows(context) }}

),

members as (

    {{ members or entry.members }}

),

{{ headwater._journey_entries(entry, excluded if not leaves_out else '', context, leaves_out, ever) }}

{# Everybody inside, and since when: those who came in before and those who come in now. -#}
travellers as (

    select {{ key }}, entry_number, is_holdout, happened_at, 0 as is_new from logged where node = 'entry'
    union all
    select {{ key }}, entry_number, is_holdout, happened_at, 1 as is_new from entries
    {%- if leaves_out %}

    where 1 = 0
    {%- endif %}

),

{% if context.entry_columns -%}
{{ headwater._journey_own_events(context) }}

{% endif -%}
{% if entry.is_many -%}
{# Each entry of a person is asked by itself. -#}
candidates as (

    select
        people.*,
        {%- for name in context.entry_columns %}
        own_events.entry_{{ name }},
        {%- endfor %}
        travellers.entry_number,
        {{ headwater._traveller_id('travellers', key) }} as traveller_id

    from people

    inner join travellers
        on people.{{ key }} = travellers.{{ key }}
    {%- if context.entry_columns %}

    left join own_events
        on {{ headwater._traveller_id('travellers', key) }} = own_events.traveller_id
    {%- endif %}

),

{% endif -%}
{# The time that conditions look at, unless they say `since: ever`. -#}
spans as (

    select
        {{ key }},
        {%- if entry.is_many %}
        {{ headwater._traveller_id('travellers', key) }} as traveller_id,
        {%- endif %}
        happened_at as since_at

    from travellers

),

{# Who must leave now: by the definition's condition, or held back since by the audience they came from. -#}
left_early as (

    select {{ key }}, entry_number, min(outcome) as outcome

    from (
        {% if exit_predicate -%}
        select travellers.{{ key }}, travellers.entry_number, 'exit_when' as outcome

        from travellers

        inner join candidates
            on travellers.{{ key }} = candidates.{{ key }}
            {%- if entry.is_many %}
            and travellers.entry_number = candidates.entry_number
            {%- endif %}

        where {{ exit_predicate }}

        union all

        {% endif -%}
        select travellers.{{ key }}, travellers.entry_number, 'held_out' as outcome

        from travellers

        inner join members
            on travellers.{{ key }} = members.{{ key }}

        where
            members.is_holdout
            and not travellers.is_holdout
            and {{ '1 = 1' if entry.kind == 'audience' else '1 = 0' }}
    ) as leaving

    group by {{ key }}, entry_number

),

finished as (

    select distinct {{ key }}, entry_number from logged where node_type = 'exit'

),

done__entry as (

    select {{ key }}, entry_number, 'entered' as outcome, happened_at, is_new from travellers

),

{% if ruled and rules.caps | selectattr('is_per_account') | list -%}
{# Which companies somebody is a contact of, once each. -#}
contacts_of as (

    select distinct
        account_id,
        profile_id

    from {{ headwater.model_ref('account_contacts', context) }}

    where
        account_id is not null
        and profile_id is not null

),

{% endif -%}
{% if ruled -%}
{{ headwater._journey_contacts(parsed, beside, log, context.earlier) }}

{% endif -%}
{% for node in nodes -%}
{{ headwater._journey_node(node, predicates.get(node.name), nodes, known, parsed.get('inserted') or {}, context, rules if node in ruled else none, zones,
    ruled[:ruled.index(node)] if node in ruled else []) }}
{% endfor -%}
exited_early as (

    select
        left_early.{{ key }},
        left_early.entry_number,
        left_early.outcome,
        {{ headwater.cdp_now() }} as happened_at

    from left_early

    left join finished
        on left_early.{{ key }} = finished.{{ key }}
        and left_early.entry_number = finished.entry_number

    where finished.{{ key }} is null

),

new_steps as (

    {# An entry's template keeps the steps there were: what is inserted or moved later is known by it. -#}
    select
        {{ key }}, entry_number, 'entry' as node, 'entry' as node_type, 'entered' as outcome,
        {{ headwater._text_or_null(none) }} as destination, {{ headwater._text_or_null(none) }} as channel,
        {{ headwater._text_or_null(headwater._journey_steps_text(nodes)) }} as template, happened_at, entry_key
        {%- if of_companies %}, {{ headwater._text_or_null(none) }} as profile_id {%- endif %}

    from entries
    {%- if leaves_out %}

    where 1 = 0

    union all

    {# Who was there before the journey was is past it. -#}
    select
        {{ key }}, entry_number, 'exit', 'exit', 'was_there',
        {{ headwater._text_or_null(none) }}, {{ headwater._text_or_null(none) }}, {{ headwater._text_or_null(none) }}, happened_at, entry_key
        {%- if of_companies %}, {{ headwater._text_or_null(none) }} {%- endif %}

    from entries
    {%- endif %}
    {% for node in nodes %}
    union all

    select
        {{ key }}, entry_number, {{ headwater.string_literal(node.name) }}, {{ headwater.string_literal(node.type) }}, outcome,
        {{ headwater._text_or_null(node.destination) }}, {{ headwater._text_or_null(node.channel) }}, {{ headwater._text_or_null(node.template) }}, happened_at, {{ headwater._text_or_null(none) }}
        {%- if of_companies %}, {{ headwater._text_or_null(none) }} {%- endif %}

    from new__{{ node.name }}
    {% endfor %}
    {%- for node in nodes if node.to_contacts %}
    union all

    select
        {{ key }}, entry_number, {{ headwater.string_literal(node.name) }}, {{ headwater.string_literal(node.type) }}, outcome,
        {{ headwater._text_or_null(node.destination) }}, {{ headwater._text_or_null(node.channel) }}, {{ headwater._text_or_null(node.template) }}, happened_at, {{ headwater._text_or_null(none) }}, profile_id

    from sent__{{ node.name }}
    {% endfor %}
    {%- for node in ruled %}
    union all

    select
        {{ key }}, entry_number, node, 'delay', outcome,
        {{ headwater._text_or_null(node.destination) }}, {{ headwater._text_or_null(node.channel) }}, {{ headwater._text_or_null(node.template) }}, happened_at, {{ headwater._text_or_null(none) }}
        {%- if of_companies %}, profile_id {%- endif %}

    from delayed__{{ node.name }}
    {% endfor %}
    union all

    select
        {{ key }}, entry_number, 'exit', 'exit', outcome,
        {{ headwater._text_or_null(none) }}, {{ headwater._text_or_null(none) }}, {{ headwater._text_or_null(none) }}, happened_at, {{ headwater._text_or_null(none) }}
        {%- if of_companies %}, {{ headwater._text_or_null(none) }} {%- endif %}

    from exited_early

),

steps as (

    select
        {{ headwater.md5_hex(headwater.journey_step_key(name, 'new_steps', key)) }} as step_id,
        {{ headwater._text_or_null(name) }} as journey_name,
        new_steps.{{ key }},
        {%- if of_companies %}
        new_steps.profile_id,
        {%- endif %}
        new_steps.entry_number,
        cast(new_steps.node as {{ dbt.type_string() }}) as node,
        cast(new_steps.node_type as {{ dbt.type_string() }}) as node_type,
        cast(new_steps.outcome as {{ dbt.type_string() }}) as outcome,
        case
            when new_steps.node_type = 'touchpoint' and new_steps.outcome = 'due'
                then {{ headwater.md5_hex(dbt.concat([headwater.string_literal('touchpoint|'), headwater.journey_step_key(name, 'new_steps', key)])) }}
        end as touchpoint_id,
        new_steps.destination,
        new_steps.channel,
        new_steps.template,
        coalesce(travellers.is_holdout, 1 = 0) as is_holdout,
        new_steps.happened_at,
        new_steps.entry_key,
        case when new_steps.node = 'entry' then {{ headwater._text_or_null(context.version) }} end as version

    from new_steps

    left join travellers
        on new_steps.{{ key }} = travellers.{{ key }}
        and new_steps.entry_number = travellers.entry_number

)

select * from steps
{%- endmacro %}

{#- Expression: what names one step of one person, or of one company and its contact, for ever. -#}
{% macro journey_step_key(name, alias, key='profile_id') -%}
    {%- set contact = ["'|'", 'coalesce(' ~ alias ~ ".profile_id, '')"] if key != 'profile_id' else [] -%}
    {{ return(dbt.concat([
        headwater.string_literal(name ~ '|'), alias ~ '.' ~ key, "'|'", 'cast(' ~ alias ~ '.entry_number as ' ~ dbt.type_string() ~ ')',
        "'|'", alias ~ '.node',
    ] + contact)) }}
{%- endmacro %}

{% macro _text_or_null(value) -%}
    {{ return('cast(' ~ (headwater.string_literal(value) if value else 'null') ~ ' as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}
