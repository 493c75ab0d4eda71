{#- Relation-shaped query, the whole of a journey model: a log of every step every person took, to which each build adds the steps
    that have become due (docs/add-a-journey.md). Nothing in the log is ever changed.
    The definition is YAML: entry {audience}, exit_when (a condition), re_entry (never), steps: a list of
    {wait: {for}} | {wait: {until: condition, timeout}} | {touchpoint: {destination, channel, template}} |
    {branch: {if: condition, then: [steps], else: [steps]}} | {goal: condition} | {exit: {}}; each step has a `name`.
    A step of a later branch may say {engaged: {touchpoint: name, kind: opened}} as its condition.
    Columns: step_id, journey_name, profile_id, entry_number, node, node_type, outcome, touchpoint_id, destination, channel, template,
    is_holdout, happened_at. -#}
{% macro journey(definition) -%}
{%- set parsed = fromyaml(definition) -%}
{%- if parsed is not mapping -%}
    {{ headwater.audience_error('', "the definition is no YAML mapping; it wants entry: and steps:") }}
{%- endif -%}
{%- do headwater._journey_only(parsed, ['entry', 'exit_when', 're_entry', 'steps'], '') -%}
{%- set name = model.name -%}
{%- set context = headwater.audience_context('person') -%}
{%- set nodes = headwater.journey_nodes(parsed) -%}
{{- config(meta={'journey': parsed}) -}}
{%- set exit_predicate = headwater.audience_predicate(context, parsed['exit_when'], 'exit_when') if parsed.get('exit_when') else none -%}
{%- set predicates = {} -%}
{%- for node in nodes if node.condition and not node.condition.get('engaged') -%}
    {%- do predicates.update({node.name: headwater.audience_predicate(context, node.condition, node.name)}) -%}
{%- endfor -%}
with

{# The relation is written out: in its first build it is not there yet. -#}
logged as (

    {% if is_incremental() -%}
    select
        profile_id,
        entry_number,
        node,
        min(outcome) as outcome,
        min(is_holdout) as holdout_mark,
        min(happened_at) as happened_at

    from (
        select
            coalesce(identity_aliases.live_id, steps.profile_id) as profile_id,
            steps.entry_number,
            steps.node,
            steps.outcome,
            steps.is_holdout,
            steps.happened_at

        from {{ this }} as steps

        left join {{ ref('identity_aliases') }} as identity_aliases
            on steps.profile_id = identity_aliases.old_id

        union all

        {#- Who was taken out of another profile did what that did meanwhile: nothing is sent to them again. #}
        select
            parted.live_id as profile_id,
            steps.entry_number,
            steps.node,
            steps.outcome,
            steps.is_holdout,
            steps.happened_at

        from {{ this }} as steps

        inner join {{ ref('identity_aliases') }} as parted
            on steps.profile_id = parted.split_from_id
            and steps.happened_at >= parted.shared_from_at
            and steps.happened_at <= parted.shared_until_at

        where parted.live_id is not null
    ) as known_steps

    group by profile_id, entry_number, node
    {%- else -%}
    {#- The same columns, no rows; the refs are those of every build. -#}
    select
        identity_aliases.live_id as profile_id,
        cast(1 as {{ dbt.type_int() }}) as entry_number,
        identity_aliases.live_id as node,
        identity_aliases.live_id as outcome,
        identity_aliases.live_id as holdout_mark,
        {{ headwater.cdp_now() }} as happened_at

    from {{ ref('identity_aliases') }} as identity_aliases

    where 1 = 0
    {%- endif %}

),

candidates as (

    select
        profile_id
        {%- for trait in context.traits %},
        {{ trait }}
        {%- endfor %}

    from {{ ref('profiles') }}

),

entries as (

    select
        members.profile_id,
        cast(1 as {{ dbt.type_int() }}) as entry_number,
        case when members.is_holdout then 'yes' else 'no' end as holdout_mark,
        {{ headwater.cdp_now() }} as happened_at

    from {{ ref(parsed['entry']['audience']) }} as members

    left join logged
        on members.profile_id = logged.profile_id

    where logged.profile_id is null

),

{# Everybody inside, and since when: those who came in before and those who come in now. -#}
travellers as (

    select profile_id, entry_number, holdout_mark, happened_at from logged where node = 'entry'
    union all
    select profile_id, entry_number, holdout_mark, happened_at from entries

),

left_early as (

    {% if exit_predicate -%}
    select travellers.profile_id, travellers.entry_number

    from travellers

    inner join candidates
        on travellers.profile_id = candidates.profile_id

    where {{ exit_predicate }}
    {%- else -%}
    select profile_id, entry_number from travellers where 1 = 0
    {%- endif %}

),

finished as (

    select distinct profile_id, entry_number from logged where substr(node, 1, 4) = 'exit'

),

done__entry as (

    select profile_id, entry_number, cast('entered' as {{ dbt.type_string() }}) as outcome, happened_at from travellers

),

{% for node in nodes -%}
{{ headwater._journey_node(node, predicates.get(node.name), nodes) }}
{% endfor -%}
exited_early as (

    select
        left_early.profile_id,
        left_early.entry_number,
        cast('exit_when' as {{ dbt.type_string() }}) as outcome,
        {{ headwater.cdp_now() }} as happened_at

    from left_early

    left join finished
        on left_early.profile_id = finished.profile_id
        and left_early.entry_number = finished.entry_number

    where finished.profile_id is null

),

new_steps as (

    select
        profile_id, entry_number, 'entry' as node, 'entry' as node_type, 'entered' as outcome,
        cast(null as {{ dbt.type_string() }}) as destination, cast(null as {{ dbt.type_string() }}) as channel,
        cast(null as {{ dbt.type_string() }}) as template, happened_at

    from entries
    {% for node in nodes %}
    union all

    select
        profile_id, entry_number, {{ headwater.string_literal(node.name) }}, {{ headwater.string_literal(node.type) }}, outcome,
        {{ headwater._text_or_null(node.destination) }}, {{ headwater._text_or_null(node.channel) }}, {{ headwater._text_or_null(node.template) }}, happened_at

    from new__{{ node.name }}
    {% endfor %}
    union all

    select
        profile_id, entry_number, 'exit', 'exit', outcome,
        {{ headwater._text_or_null(none) }}, {{ headwater._text_or_null(none) }}, {{ headwater._text_or_null(none) }}, happened_at

    from exited_early

),

steps as (

    select
        {{ headwater.md5_hex(headwater.journey_step_key(name, 'new_steps')) }} as step_id,
        {{ headwater.string_literal(name) }} as journey_name,
        new_steps.profile_id,
        new_steps.entry_number,
        new_steps.node,
        new_steps.node_type,
        new_steps.outcome,
        case
            when new_steps.node_type = 'touchpoint' then {{ headwater.md5_hex(dbt.concat([headwater.string_literal('touchpoint|'), headwater.journey_step_key(name, 'new_steps')])) }}
        end as touchpoint_id,
        new_steps.destination,
        new_steps.channel,
        new_steps.template,
        travellers.holdout_mark as is_holdout,
        new_steps.happened_at

    from new_steps

    inner join travellers
        on new_steps.profile_id = travellers.profile_id
        and new_steps.entry_number = travellers.entry_number

)

select * from steps
{%- endmacro %}

{#- Expression: what names one step of one person for ever. -#}
{% macro journey_step_key(name, alias) -%}
    {{ return(dbt.concat([
        headwater.string_literal(name ~ '|'), alias ~ '.profile_id', "'|'", 'cast(' ~ alias ~ '.entry_number as ' ~ dbt.type_string() ~ ')',
        "'|'", alias ~ '.node',
    ])) }}
{%- endmacro %}

{% macro _text_or_null(value) -%}
    {{ return('cast(' ~ (headwater.string_literal(value) if value else 'null') ~ ' as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}

{#- CTEs of one node: arrived__ (who stands at it), new__ (who passes it in this build) and done__ (who passed it, ever). -#}
{% macro _journey_node(node, predicate, nodes) -%}
arrived__{{ node.name }} as (
    {% for source in node.sources %}
    select profile_id, entry_number, happened_at as arrived_at

    from done__{{ source.node }}
    {%- if source.outcome %}

    where outcome = {{ headwater.string_literal(source.outcome) }}
    {%- endif %}
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

new__{{ node.name }} as (

    select
        arrived.profile_id,
        arrived.entry_number,
        {{ headwater._journey_outcome(node, predicate) }} as outcome,
        {{ headwater._journey_instant(node) }} as happened_at

    from arrived__{{ node.name }} as arrived

    inner join candidates
        on arrived.profile_id = candidates.profile_id

    left join logged
        on arrived.profile_id = logged.profile_id
        and arrived.entry_number = logged.entry_number
        and logged.node = {{ headwater.string_literal(node.name) }}

    left join left_early
        on arrived.profile_id = left_early.profile_id
        and arrived.entry_number = left_early.entry_number

    left join finished
        on arrived.profile_id = finished.profile_id
        and arrived.entry_number = finished.entry_number
    {%- if node.condition and node.condition.get('engaged') %}

    left join (
        select
            sent.profile_id,
            sent.entry_number,
            min(engagements.occurred_at) as engaged_at

        from done__{{ node.condition['engaged']['touchpoint'] }} as sent

        inner join {{ ref('event_campaign_engaged') }} as engagements
            on sent.profile_id = engagements.profile_id
            and engagements.occurred_at >= sent.happened_at

        where
            engagements.kind = {{ headwater.string_literal(node.condition['engaged'].get('kind', 'opened')) }}
            and engagements.occurred_at <= {{ headwater.cdp_now() }}
            and engagements.destination = {{ headwater.string_literal(headwater._touchpoint_destination(node, nodes)) }}

        group by sent.profile_id, sent.entry_number
    ) as engaged
        on arrived.profile_id = engaged.profile_id
        and arrived.entry_number = engaged.entry_number
    {%- endif %}

    where
        logged.profile_id is null
        and left_early.profile_id is null
        and finished.profile_id is null
        {%- set due = headwater._journey_due(node, predicate) %}
        {%- if due %}
        and {{ due }}
        {%- endif %}

),

done__{{ node.name }} as (

    select profile_id, entry_number, outcome, happened_at from logged where node = {{ headwater.string_literal(node.name) }}
    union all
    select profile_id, entry_number, outcome, happened_at from new__{{ node.name }}

),
{% endmacro %}

{% macro _journey_condition(node, predicate) -%}
    {{ return('engaged.engaged_at is not null' if node.condition.get('engaged') else predicate) }}
{%- endmacro %}

{% macro _journey_timeout(node) -%}
    {{ return(headwater.timestamp_add('arrived.arrived_at', node.duration.amount, node.duration.unit)) }}
{%- endmacro %}

{% macro _journey_outcome(node, predicate) -%}
    {%- if node.type == 'branch' -%}
        {{ return("case when " ~ headwater._journey_condition(node, predicate) ~ " then 'yes' else 'no' end") }}
    {%- elif node.type == 'wait' and node.condition -%}
        {{ return("case when " ~ headwater._journey_condition(node, predicate) ~ " then 'happened' else 'timeout' end") }}
    {%- elif node.type == 'goal' -%}
        {{ return("case when " ~ headwater._journey_condition(node, predicate) ~ " then 'reached' else 'missed' end") }}
    {%- endif -%}
    {{ return(headwater._text_or_null({'wait': 'waited', 'touchpoint': 'due', 'exit': 'finished'}[node.type])) }}
{%- endmacro %}

{#- A wait is over when its time is up, however late the build that sees it; all else happens in the build that does it. -#}
{% macro _journey_instant(node) -%}
    {{ return(headwater._journey_timeout(node) if node.type == 'wait' and not node.condition else headwater.cdp_now()) }}
{%- endmacro %}

{% macro _journey_due(node, predicate) -%}
    {%- if node.type != 'wait' -%}
        {{ return('') }}
    {%- endif -%}
    {%- set is_over = headwater._journey_timeout(node) ~ ' <= ' ~ headwater.cdp_now() -%}
    {{ return('(' ~ is_over ~ ' or ' ~ headwater._journey_condition(node, predicate) ~ ')' if node.condition else is_over) }}
{%- endmacro %}

{% macro _touchpoint_destination(node, nodes) -%}
    {%- set named = nodes | selectattr('name', 'equalto', node.condition['engaged']['touchpoint']) | selectattr('type', 'equalto', 'touchpoint') | list -%}
    {{ return(named[0].destination) }}
{%- endmacro %}
