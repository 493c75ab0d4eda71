{#- CTEs of one node: arrived__ (who stands at it), new__ (who passes it in this build) and done__ (who passed it, ever). A touchpoint under the
    `rules` of all journeys has ready__ in the place of new__, of which _journey_under_rules() makes that; `earlier` are those before it.
    Who has gone on to a later step already, or came to the place of a step that was not there then, passes it with outcome
    `skipped`: nothing is sent, and whoever comes after is not delayed. -#}
{% macro _journey_node(node, predicate, nodes, known, inserted, context, rules=none, zones=none, earlier=[]) -%}
{%- set is_many, key = context.is_many, context.key -%}
{%- set skips = headwater._journey_skips(node, nodes, known, inserted, key, rules) -%}
{%- set condition = ('engaged.engaged_at is not null' if node.condition.get('engaged') else predicate) if node.condition else '' -%}
{%- set clock = node.get('clock') -%}
{%- set last_clock = headwater._journey_last_clock(zones, clock) if clock and 'minute' in clock else none -%}
{%- if node.type == 'split' -%}
    {%- set outcome, instant, due = headwater._journey_arm(node, context), headwater.cdp_now(), '' -%}
{%- elif last_clock -%}
    {#- A build may be five minutes early: who has come from another wait for the clock by then does not take the same hour for the next one. -#}
    {%- set earlier = namespace(clock=false) -%}
    {%- for other in nodes[:nodes.index(node)] if other.get('clock') and 'minute' in other.clock -%}
        {%- set earlier.clock = true -%}
    {%- endfor -%}
    {%- set arrived = headwater.timestamp_add('arrived.arrived_at', 5, 'minute') ~ ' < ' if earlier.clock else 'arrived.arrived_at <= ' -%}
    {%- set outcome, instant, due = "'waited'", 'least(' ~ last_clock ~ ', ' ~ headwater.cdp_now() ~ ')', arrived ~ last_clock -%}
{%- elif clock -%}
    {%- set outcome, instant = clock.get('outcome', "'waited'"), headwater.cdp_now() -%}
    {%- set due = headwater._journey_is_open_hour(zones, clock) if 'open' in clock else clock.has_come -%}
{%- else -%}
    {%- set outcome = headwater._journey_outcome(node, condition) -%}
    {%- set instant = headwater._journey_instant(node, condition) -%}
    {%- set due = headwater._journey_due(node, condition) -%}
{%- endif -%}
arrived__{{ node.name }} as (

    select
        {{ key }},
        entry_number,
        {%- if node.type == 'exit' %}
        min(way_out) as way_out,
        {%- endif %}
        min(arrived_at) as arrived_at,
        min(is_new) as is_new

    from (
        {%- for source in node.sources %}
        select
            {{ key }}, entry_number, happened_at as arrived_at, is_new
            {%- if node.type == 'exit' %}, {{ headwater.string_literal(source.way_out | default('finished')) }} as way_out {%- endif %}

        from done__{{ source.node }}
        {%- if source.outcome %}

        where outcome = {{ headwater.string_literal(source.outcome) }}
        {%- endif %}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    ) as ways

    group by {{ key }}, entry_number

),
{%- if node.type == 'wait' and node.condition %}

{# A wait for something looks from the entry to its own timeout, whenever the build is. -#}
spans__{{ node.name }} as (

    select
        arrived.{{ key }},
        arrived.entry_number,
        {%- if is_many %}
        {{ headwater._traveller_id('arrived', key) }} as traveller_id,
        {%- endif %}
        travellers.happened_at as since_at,
        {{ headwater._journey_timeout(node) }} as until_at

    from arrived__{{ node.name }} as arrived

    inner join travellers
        on arrived.{{ key }} = travellers.{{ key }}
        and arrived.entry_number = travellers.entry_number

),
{%- endif %}

{{ 'ready__' if rules or node.to_contacts else 'new__' }}{{ node.name }} as (

    select
        arrived.{{ key }},
        arrived.entry_number,
        {%- if rules or node.to_contacts %}
        arrived.arrived_at,
        {%- endif %}
        {%- if skips.condition %}
        case when {{ skips.condition }} then 'skipped' else {{ outcome }} end as outcome,
        case when {{ skips.condition }} then arrived.arrived_at else {{ instant }} end as happened_at,
        case when {{ skips.condition }} then 0 else 1 end as is_new
        {%- else %}
        {{ outcome }} as outcome,
        {{ instant }} as happened_at,
        1 as is_new
        {%- endif %}

    from arrived__{{ node.name }} as arrived

    inner join candidates
        on arrived.{{ key }} = candidates.{{ key }}
        {%- if is_many %}
        and arrived.entry_number = candidates.entry_number
        {%- endif %}

    left join logged
        on arrived.{{ key }} = logged.{{ key }}
        and arrived.entry_number = logged.entry_number
        and logged.node = {{ headwater.string_literal(node.name) }}

    left join left_early
        on arrived.{{ key }} = left_early.{{ key }}
        and arrived.entry_number = left_early.entry_number

    left join finished
        on arrived.{{ key }} = finished.{{ key }}
        and arrived.entry_number = finished.entry_number
    {%- if rules %}

    left join {{ '(select distinct ' ~ key ~ ', entry_number, node from written)' if node.to_contacts else 'logged' }} as delayed
        on arrived.{{ key }} = delayed.{{ key }}
        and arrived.entry_number = delayed.entry_number
        and delayed.node = {{ headwater.string_literal(node.name ~ '.delayed') }}
    {%- endif %}
    {%- if skips.later %}

    left join (
        select distinct {{ key }}, entry_number from logged
        where node in ({% for later in skips.later %}{{ headwater.string_literal(later) }}{{ ', ' if not loop.last }}{% endfor %})
    ) as further
        on arrived.{{ key }} = further.{{ key }}
        and arrived.entry_number = further.entry_number
    {%- endif %}
    {%- if node.condition and node.condition.get('engaged') %}

    left join (
        {{ headwater._journey_engaged(node, nodes, context) | indent(8) }}
    ) as engaged
        on arrived.{{ key }} = engaged.{{ key }}
        and arrived.entry_number = engaged.entry_number
    {%- endif %}

    where
        logged.{{ key }} is null
        and left_early.{{ key }} is null
        and finished.{{ key }} is null
        {%- if due %}
        and ({{ skips.condition ~ ' or ' if skips.condition }}{{ due }})
        {%- endif %}

),
{%- if node.to_contacts %}

{{ headwater._journey_to_contacts(node, rules, earlier, context) }}
{%- elif rules %}

{{ headwater._journey_under_rules(node, rules, zones, earlier, context) }}
{%- endif %}

done__{{ node.name }} as (

    select {{ key }}, entry_number, outcome, happened_at, 0 as is_new from logged where node = {{ headwater.string_literal(node.name) }}
    union all
    select {{ key }}, entry_number, outcome, happened_at, is_new from new__{{ node.name }}

),
{% endmacro %}

{#- Value: {condition, later}: when a node is skipped, and the steps behind it, one of which in the log says that somebody has gone on.
    Of a step that is no wait one more thing is known: who came to it passes it in the same build. Who came in an earlier build and
    has not passed it came before it was there. -#}
{% macro _journey_skips(node, nodes, known, inserted, key, rules=none) -%}
    {%- if node.type == 'exit' or inserted.get(node.name) == 'everybody' -%}
        {{ return({'condition': '', 'later': []}) }}
    {%- endif -%}
    {%- set later = headwater._journey_later(node, nodes) -%}
    {%- set conditions = ['further.' ~ key ~ ' is not null'] if later else [] -%}
    {%- set is_inserted = inserted.get(node.name) or (known and node.name not in known) -%}
    {%- if is_inserted and node.type != 'wait' -%}
        {#- Who came to it and is delayed was there when it was. -#}
        {%- do conditions.append('(arrived.is_new = 0 and delayed.' ~ key ~ ' is null)' if rules else 'arrived.is_new = 0') -%}
    {%- endif -%}
    {{ return({'condition': '(' ~ conditions | join(' or ') ~ ')' if conditions else '', 'later': later}) }}
{%- endmacro %}

{#- Value: names of the steps that come after a node on some way, without the exits. -#}
{% macro _journey_later(node, nodes) -%}
    {%- set after = [node.name] -%}
    {%- for other in nodes if other.type != 'exit' and other.sources | map(attribute='node') | select('in', after) | list -%}
        {%- do after.append(other.name) -%}
    {%- endfor -%}
    {{ return(after[1:]) }}
{%- endmacro %}

{#- Query: when somebody first did what an `engaged` condition asks about, since the touchpoint was due and within the wait.
    An engagement that names a touchpoint counts for that one only; of one that names none the destination must do. -#}
{% macro _journey_engaged(node, nodes, context) -%}
{%- set log, key = context.log, context.key -%}
{%- set touchpoint = node.condition['engaged']['touchpoint'] -%}
{%- set destination = (nodes | selectattr('name', 'equalto', touchpoint) | first).destination -%}
select
    sent.{{ key }},
    sent.entry_number,
    min(engagements.occurred_at) as engaged_at

from {{ headwater._journey_sent(touchpoint) if context.entity == 'account' else 'done__' ~ touchpoint }} as sent

inner join {{ headwater.model_ref('event_campaign_engaged', context) }} as engagements
    on sent.profile_id = engagements.profile_id
    and engagements.occurred_at >= sent.happened_at
{%- if node.type == 'wait' %}

inner join spans__{{ node.name }} as span
    on sent.{{ key }} = span.{{ key }}
    and sent.entry_number = span.entry_number
    and engagements.occurred_at <= span.until_at
{%- endif %}
{%- if log %}

left join (
    select distinct touchpoint_id from {{ log }} where touchpoint_id is not null and node = {{ headwater.string_literal(touchpoint) }}
) as own
    on engagements.touchpoint_id = own.touchpoint_id
{%- endif %}

where
    engagements.kind = {{ headwater.string_literal(node.condition['engaged'].get('kind', 'opened')) }}
    and engagements.occurred_at <= {{ headwater.cdp_now() }}
    and engagements.destination = {{ headwater.string_literal(destination) }}
    and (engagements.touchpoint_id is null{{ ' or own.touchpoint_id is not null' if log }})
    and sent.outcome = 'due'

group by sent.{{ key }}, sent.entry_number
{%- endmacro %}

{% macro _journey_timeout(node) -%}
    {{ return(headwater.timestamp_add('arrived.arrived_at', node.duration.amount, node.duration.unit)) }}
{%- endmacro %}

{% macro _journey_outcome(node, condition) -%}
    {%- if node.type == 'branch' -%}
        {{ return("case when " ~ condition ~ " then 'yes' else 'no' end") }}
    {%- elif node.type == 'wait' and node.condition -%}
        {{ return("case when " ~ condition ~ " then 'happened' else 'timeout' end") }}
    {%- elif node.type == 'goal' -%}
        {{ return("case when " ~ condition ~ " then 'reached' else 'missed' end") }}
    {%- elif node.type == 'exit' -%}
        {{ return('arrived.way_out') }}
    {%- endif -%}
    {{ return("'" ~ {'wait': 'waited', 'touchpoint': 'due'}[node.type] ~ "'") }}
{%- endmacro %}

{#- A wait is over when its time is up, however late the build that sees it; all else happens in the build that does it. -#}
{% macro _journey_instant(node, condition) -%}
    {%- if node.type != 'wait' -%}
        {{ return(headwater.cdp_now()) }}
    {%- endif -%}
    {%- set over = 'least(' ~ headwater._journey_timeout(node) ~ ', ' ~ headwater.cdp_now() ~ ')' -%}
    {{ return('case when ' ~ condition ~ ' then ' ~ headwater.cdp_now() ~ ' else ' ~ over ~ ' end' if condition else over) }}
{%- endmacro %}

{#- A schedule is never to the second: a build may be early by a twentieth of the wait, an hour at most. -#}
{% macro _journey_due(node, condition) -%}
    {%- if node.type != 'wait' -%}
        {{ return('') }}
    {%- endif -%}
    {%- set minutes = node.duration.amount * {'minute': 1, 'hour': 60, 'day': 1440}[node.duration.unit] -%}
    {%- set tolerance = [minutes * 60 // 20, 3600] | min -%}
    {%- set is_over = headwater._journey_timeout(node) ~ ' <= ' ~ headwater.timestamp_add(headwater.cdp_now(), tolerance, 'second') -%}
    {{ return('(' ~ is_over ~ ' or ' ~ condition ~ ')' if condition else is_over) }}
{%- endmacro %}
