{#- Value: the rules on how often and when people may be written to, over all journeys, from `vars: cdp_contact_rules`; none where there are none:
    {quiet_hours: {from, to, channels}, caps: [{at_most, days, channels, per}], calendar: [{from, to, channels, except}], delay_at_most, zone_column}. Without
    `channels` a rule is on all. Wrong ones stop the parse. -#}
{% macro contact_rules() -%}
    {%- set given = var('cdp_contact_rules', none) -%}
    {%- if not given -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set where = 'vars: cdp_contact_rules' -%}
    {%- if given is not mapping -%}
        {{ headwater.audience_error(where, "wants quiet_hours:, caps: and calendar:") }}
    {%- endif -%}
    {%- do headwater._rules_have_only(given, ['quiet_hours', 'caps', 'calendar', 'delay_at_most', 'zone_column'], where) -%}
    {%- set quiet = none -%}
    {%- if 'quiet_hours' in given -%}
        {%- set told = given['quiet_hours'] -%}
        {%- set path = where ~ '.quiet_hours' -%}
        {%- set from = headwater._minute_of_day(told.get('from') if told is mapping else none) -%}
        {%- set to = headwater._minute_of_day(told.get('to') if told is mapping else none) -%}
        {%- if told is not mapping or from is not integer or to is not integer or from == to -%}
            {{ headwater.audience_error(path, "wants {from: '21:00', to: '08:00'}, in quotes") }}
        {%- endif -%}
        {%- do headwater._rules_have_only(told, ['from', 'to', 'channels'], path) -%}
        {%- set quiet = {'from': from, 'to': to, 'channels': headwater._rule_channels(told, path)} -%}
    {%- endif -%}
    {%- set caps = [] -%}
    {%- for told in given.get('caps') or [] -%}
        {%- set path = where ~ '.caps[' ~ loop.index ~ ']' -%}
        {%- if told is not mapping or told.get('at_most') is boolean or told.get('at_most') is not integer or told['at_most'] < 1
            or told.get('days') is boolean or told.get('days') is not integer or told['days'] < 1 or told['days'] > 366 -%}
            {{ headwater.audience_error(path, "wants {at_most: 3, days: 7}, whole numbers of 1 or more, and channels: [email] where it is not for all") }}
        {%- endif -%}
        {%- do headwater._rules_have_only(told, ['at_most', 'days', 'channels', 'per'], path) -%}
        {%- do headwater._rules_have_only([told.get('per', 'person')], ['person', 'account'], path ~ '.per') -%}
        {%- do caps.append({
            'at_most': told['at_most'], 'days': told['days'], 'channels': headwater._rule_channels(told, path), 'is_per_account': told.get('per') == 'account',
        }) -%}
    {%- endfor -%}
    {{ return({
        'quiet': quiet, 'caps': caps, 'closed': headwater._closed_days(given.get('calendar') or [], where ~ '.calendar'), 'delay': headwater.audience_duration(given.get('delay_at_most', '7 days'), where ~ '.delay_at_most'),
        'zone_column': given.get('zone_column', 'time_zone'),
    }) }}
{%- endmacro %}

{% macro _rules_have_only(given, allowed, path) -%}
    {%- for key in given if key not in allowed -%}
        {{ headwater.audience_error(path, "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) }}
    {%- endfor -%}
{%- endmacro %}

{#- Value: [{from, to, channels, except}] of `calendar:`, days on which nothing is sent, both ends inside, but by the journeys of `except`. -#}
{% macro _closed_days(told, path) -%}
    {%- if told is string or told is mapping or told is not iterable -%}
        {{ headwater.audience_error(path, "wants a list of {from: 2026-12-24, to: 2026-12-26}") }}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for one in told -%}
        {%- set path = path ~ '[' ~ loop.index ~ ']' -%}
        {%- if one is not mapping -%}
            {{ headwater.audience_error(path, "wants {from: 2026-12-24, to: 2026-12-26}, and channels: or except: if need be") }}
        {%- endif -%}
        {%- do headwater._rules_have_only(one, ['from', 'to', 'channels', 'except'], path) -%}
        {%- set days = {} -%}
        {%- for key in ['from', 'to'] -%}
            {%- set day = (one.get(key) or '') | string -%}
            {%- if not headwater.utc_instant(day) or day | length != 10 -%}
                {{ headwater.audience_error(path ~ '.' ~ key, "wants a day such as 2026-12-24, not '" ~ day ~ "'") }}
            {%- endif -%}
            {%- do days.update({key: headwater._datetime_of(headwater.utc_instant(day))}) -%}
        {%- endfor -%}
        {%- if days['from'] > days['to'] -%}
            {{ headwater.audience_error(path ~ '.to', "is before from:") }}
        {%- endif -%}
        {%- set names = one.get('except') or [] -%}
        {%- set names = [names] if names is string else names | list -%}
        {%- do headwater._rules_have_only(names, headwater.registry('journeys'), path ~ '.except') -%}
        {%- do found.append({'from': days['from'], 'to': days['to'], 'channels': headwater._rule_channels(one, path), 'except': names}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Expression, boolean: today, where the person is, is a day on which nothing is sent by this channel of this journey; none where no day ever is. -#}
{% macro _is_closed(zones, closed, channel, journey) -%}
    {%- set days = [] -%}
    {%- for one in closed if channel in one.channels and journey not in one.except -%}
        {%- do days.append(one) -%}
    {%- endfor -%}
    {%- if not days -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set shut, open = [], [] -%}
    {%- for zone, clock in zones.zones.items() -%}
        {%- do (shut if headwater._is_closed_on(clock, days) else open).append(headwater.string_literal(zone)) -%}
    {%- endfor -%}
    {%- if headwater._is_closed_on(headwater._clock_now({'zone': zones.default}), days) -%}
        {{ return('coalesce(' ~ zones.column ~ ' not in (' ~ open | join(', ') ~ '), 1 = 1)' if open else '1 = 1') }}
    {%- endif -%}
    {{ return('coalesce(' ~ zones.column ~ ' in (' ~ shut | join(', ') ~ '), 1 = 0)' if shut else '1 = 0') }}
{%- endmacro %}

{% macro _is_closed_on(clock, days) -%}
    {%- set day = headwater._period_start(clock, 'day') -%}
    {%- for one in days if one.from <= day and day <= one.to -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{#- Value: minutes since midnight of a text such as 21:30; none for anything else. -#}
{% macro _minute_of_day(text) -%}
    {%- set found = modules.re.fullmatch('([01][0-9]|2[0-3]):([0-5][0-9])', text) if text is string else none -%}
    {{ return(found[1] | int * 60 + found[2] | int if found else none) }}
{%- endmacro %}

{% macro _rule_channels(told, path) -%}
    {%- set known = headwater.consent_channels() | list -%}
    {%- set channels = told.get('channels', known) -%}
    {%- if channels is string or channels is mapping or channels is not iterable or not channels -%}
        {{ headwater.audience_error(path ~ '.channels', "wants a list such as [email, push]") }}
    {%- endif -%}
    {%- for channel in channels -%}
        {%- do headwater.check_consent_word(path ~ '.channels', channel, known) -%}
    {%- endfor -%}
    {{ return(channels | list) }}
{%- endmacro %}

{#- Value: {column, default, zones}: the zone that days and hours of people without a known one are of, and {zone: what its clock shows now} of the
    zones that people have. The zones are asked of the table, as only these need an answer; there are none but in a build. -#}
{% macro contact_zones(context, rules) -%}
    {%- set default = headwater._definition_zone(context.problems, none) -%}
    {%- set zones = {} -%}
    {%- set column = rules.zone_column -%}
    {%- set columns = headwater._columns_of(context, context.model) -%}
    {%- set has_column = column in columns.types or not execute -%}
    {%- if has_column and context.asks and not headwater.is_offline() and modules.pytz.all_timezones_set is defined -%}
        {%- for row in run_query('select distinct ' ~ column ~ ' from ' ~ headwater.model_ref(context.model, context) ~ ' where ' ~ column ~ ' is not null order by 1') -%}
            {%- if row[0] in modules.pytz.all_timezones_set -%}
                {%- do zones.update({row[0]: headwater._clock_now({'zone': row[0]})}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if zones -%}
        {%- do headwater.use_trait(context, column, 'vars: cdp_contact_rules.zone_column') -%}
    {%- endif -%}
    {{ return({'column': 'candidates.' ~ column, 'default': default, 'zones': zones}) }}
{%- endmacro %}

{#- Expression, boolean: it is a quiet hour now where the person is. -#}
{% macro _is_quiet(zones, quiet) -%}
    {%- set asleep, awake = [], [] -%}
    {%- for zone, clock in zones.zones.items() -%}
        {%- if headwater._is_quiet_at(clock, quiet) -%}
            {%- do asleep.append(headwater.string_literal(zone)) -%}
        {%- else -%}
            {%- do awake.append(headwater.string_literal(zone)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if headwater._is_quiet_at(headwater._clock_now({'zone': zones.default}), quiet) -%}
        {{ return('coalesce(' ~ zones.column ~ ' not in (' ~ awake | join(', ') ~ '), 1 = 1)' if awake else '1 = 1') }}
    {%- endif -%}
    {{ return('coalesce(' ~ zones.column ~ ' in (' ~ asleep | join(', ') ~ '), 1 = 0)' if asleep else '1 = 0') }}
{%- endmacro %}

{% macro _is_quiet_at(clock, quiet) -%}
    {%- set minute = clock.hour * 60 + clock.minute -%}
    {{ return((minute >= quiet.from and minute < quiet.to) if quiet.from < quiet.to else (minute >= quiet.from or minute < quiet.to)) }}
{%- endmacro %}

{#- Expression, timestamp: when the window of so many calendar days, today's the last, began where the person is. -#}
{% macro _days_began(zones, days) -%}
    {%- set instants = {} -%}
    {%- for zone, clock in zones.zones.items() -%}
        {%- do instants.update({zone: headwater._day_began(zone, clock, days)}) -%}
    {%- endfor -%}
    {{ return(headwater._instant_by_zone(
        zones, instants, headwater._day_began(zones.default, headwater._clock_now({'zone': zones.default}), days)
    )) }}
{%- endmacro %}

{% macro _day_began(zone, clock, days) -%}
    {%- set day = headwater._period_start(clock, 'day') - modules.datetime.timedelta(days=days - 1) -%}
    {{ return(headwater._utc_of_clock({'zone': zone}, day)) }}
{%- endmacro %}

{#- Value: the other journeys, [{name, table, definition, is_wrong}] in the order of the registry, which is that of their priority: those before this one are
    built before it in each build, those behind it are read as their last build left them. What a wrong one says of its messages and its exclusion is not taken from it. -#}
{% macro journeys_beside(context) -%}
    {%- set names = headwater.registry('journeys') -%}
    {%- if context.name not in names and model.resource_type != 'unit_test' -%}
        {%- do headwater.note_problem(context, 'vars: cdp_registry: journeys', "has not this one, and its order says which goes first: add it") -%}
    {%- endif -%}
    {%- set found = [] -%}
    {%- set at = namespace(is_before=true) -%}
    {%- for name in names -%}
        {%- if name == context.name -%}
            {%- set at.is_before = false -%}
        {%- else -%}
            {%- set table = headwater.model_ref(name) if at.is_before else headwater.as_last_built(context, name, 'vars: cdp_registry') -%}
            {%- set is_wrong = headwater.journey_mistakes(name) | length > 0 -%}
            {%- if table -%}
                {%- do found.append({'name': name, 'table': table, 'definition': {} if is_wrong else headwater.journey_definition(name), 'is_wrong': is_wrong}) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- CTE: the messages that people were due before this build, of this journey and the others: profile_id, channel, happened_at. Whom a journey
    holds out had none; messages that obey no rule are not counted. What `earlier` versions of this journey send in this build is counted too. -#}
{% macro _journey_contacts(parsed, beside, log, earlier=[]) -%}
{%- set logs = ([{'table': log, 'definition': parsed}] if log else []) + beside -%}
contacts as (
    {% for one in earlier %}
    select
        sent.profile_id,
        sent.channel,
        sent.happened_at

    from {{ one.cte }} as sent

    where
        sent.node_type = 'touchpoint'
        and sent.outcome = 'due'
        and not sent.is_holdout
        {%- for name in headwater._free_touchpoints(one.definition) %}
        and sent.node <> {{ headwater.string_literal(name) }}
        {%- endfor %}

    union all
    {% endfor %}
    {% for log in logs %}
    select
        coalesce(successors.live_id, steps.profile_id) as profile_id,
        steps.channel,
        steps.happened_at

    from {{ log.table }} as steps

    left join {{ ref('headwater', 'identity_aliases') }} as successors
        on steps.profile_id = successors.old_id

    where
        steps.node_type = 'touchpoint'
        and steps.outcome = 'due'
        and not steps.is_holdout
        and steps.happened_at <= {{ headwater.cdp_now() }}
        {%- for name in headwater._free_touchpoints(log.definition) %}
        and steps.node <> {{ headwater.string_literal(name) }}
        {%- endfor %}

    union all
    {% endfor %}
    select
        successors.live_id as profile_id,
        successors.live_id as channel,
        {{ headwater.cdp_now() }} as happened_at

    from {{ ref('headwater', 'identity_aliases') }} as successors

    where 1 = 0

),
{%- endmacro %}

{#- Value: every name that a definition's touchpoints which obey no rule have had. -#}
{% macro _free_touchpoints(definition) -%}
    {%- set names = [] -%}
    {%- for node in (headwater.journey_nodes(definition, was_built=true) if definition else []) if node.when_not_allowed == 'send' -%}
        {%- do names.extend(headwater._journey_names_ever(definition, [node.name])) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#- Query: the messages that people had, before this build and by the `earlier` steps of it: profile_id, channel, happened_at. -#}
{% macro _journey_had(earlier, cap, context) -%}
{%- set key = context.key -%}
select profile_id, channel, happened_at from contacts
{%- for other in earlier if other.channel in cap.channels %}
{%- set sent = headwater._journey_recipients(context).passed ~ other.name %}
union all
select {{ sent }}.profile_id, {{ headwater.string_literal(other.channel) }}, {{ sent }}.happened_at

from {{ sent }}

inner join travellers
    on {{ sent }}.{{ key }} = travellers.{{ key }}
    and {{ sent }}.entry_number = travellers.entry_number

where
    {{ sent }}.outcome = 'due'
    and not travellers.is_holdout
{%- endfor %}
{%- endmacro %}

{#- Value: to whom the touchpoints of a journey go, {columns, ready, passed, known, people}: the columns that name one of them at a step, what the CTEs of who
    could have it and of who has it begin with, the CTE of what the log knows of them, and who they are. In a journey of people the travellers themselves. -#}
{% macro _journey_recipients(context) -%}
    {%- if context.entity == 'account' -%}
        {{ return({
            'columns': [context.key, 'entry_number', 'profile_id'], 'ready': 'to__', 'passed': 'sent__', 'known': 'written',
            'people': headwater.model_ref('profiles', context) ~ ' as candidates',
        }) }}
    {%- endif -%}
    {{ return({
        'columns': ['profile_id', 'entry_number'], 'ready': 'ready__', 'passed': 'new__', 'known': 'logged',
        'people': 'people as candidates' if context.is_many else 'candidates',
    }) }}
{%- endmacro %}

{#- CTEs of a touchpoint under rules: judged__ (who could have it now, and the reason against it, if any), new__ or sent__ (who has it, or goes on without) and
    delayed__ (who waits for it from this build on). Where caps are of companies, asked__ comes before: of the contacts of a company whom nothing else stands
    against, and of these alone, the first take its room. -#}
{% macro _journey_under_rules(node, rules, zones, earlier, context) -%}
{%- set recipients = headwater._journey_recipients(context) -%}
{%- set each, ready, gone_on = recipients.columns, recipients.ready ~ node.name, recipients.passed ~ node.name -%}
{%- set caps = [] -%}
{%- for cap in rules.caps if node.channel in cap.channels -%}
    {%- do caps.append(cap) -%}
{%- endfor -%}
{%- set is_quiet = headwater._is_quiet(zones, rules.quiet) if rules.quiet and node.channel in rules.quiet.channels else none -%}
{%- set is_closed = headwater._is_closed(zones, rules.closed, node.channel, context.name) -%}
{%- set over, over_together = [], [] -%}
{%- for cap in caps -%}
    {%- set messages = 'coalesce(cap_' ~ loop.index ~ '.messages, 0)' -%}
    {%- do over.append(messages ~ ' + ' ~ ('1' if cap.is_per_account else 'ready.place') ~ ' > ' ~ cap.at_most) -%}
    {%- do over_together.append('asked.messages_' ~ loop.index ~ ' + of_company.place > ' ~ cap.at_most) if cap.is_per_account -%}
{%- endfor -%}
{{ 'asked__' if over_together else 'judged__' }}{{ node.name }} as (

    select
        {%- for column in each %}
        ready.{{ column }},
        {%- endfor %}
        ready.outcome,
        ready.happened_at,
        ready.is_new,
        ready.arrived_at,
        {%- if over_together %}
        ready.is_holdout,
        {%- for cap in caps if cap.is_per_account %}
        coalesce(cap_{{ caps.index(cap) + 1 }}.messages, 0) as messages_{{ caps.index(cap) + 1 }},
        {%- endfor %}
        {%- endif %}
        case
            when ready.outcome = 'skipped' then null
            {%- if is_closed %}
            when {{ is_closed }} then 'calendar'
            {%- endif %}
            {%- if is_quiet %}
            when {{ is_quiet }} then 'quiet'
            {%- endif %}
            {%- if over %}
            when not ready.is_holdout and ({{ over | join(' or ') }}) then 'capped'
            {%- endif %}
        end as reason

    from (
        select
            {{ ready }}.*,
            travellers.is_holdout,
            row_number() over (
                partition by {{ ready }}.profile_id, {{ ready }}.outcome, travellers.is_holdout
                order by {{ ready }}.entry_number, {{ ready }}.{{ context.key }}
            ) as place

        from {{ ready }}

        inner join travellers
            on {{ headwater._same(ready, 'travellers', [context.key, 'entry_number']) | indent(4) }}
    ) as ready

    inner join {{ recipients.people }}
        on ready.profile_id = candidates.profile_id
    {%- for cap in caps %}
    {%- if cap.is_per_account %}

    left join (
        select
            contacts_of.profile_id,
            max(had_by_account.messages) as messages

        from contacts_of

        inner join (
            select
                contacts_of.account_id,
                count(*) as messages

            from contacts_of

            inner join (
                {{ headwater._journey_had(earlier, cap, context) | indent(16) }}
            ) as had
                on contacts_of.profile_id = had.profile_id
                and had.happened_at >= {{ headwater.timestamp_literal(headwater._day_began(zones.default, headwater._clock_now({'zone': zones.default}), cap.days)) }}
                and had.channel in ({{ headwater.string_literals(cap.channels) }})

            group by contacts_of.account_id
        ) as had_by_account
            on contacts_of.account_id = had_by_account.account_id

        group by contacts_of.profile_id
    ) as cap_{{ loop.index }}
        on ready.profile_id = cap_{{ loop.index }}.profile_id
    {%- else %}

    left join (
        select
            candidates.profile_id,
            count(*) as messages

        from {{ recipients.people }}

        inner join (
            {{ headwater._journey_had(earlier, cap, context) | indent(12) }}
        ) as had
            on candidates.profile_id = had.profile_id
            and had.happened_at >= {{ headwater._days_began(zones, cap.days) }}
            and had.channel in ({{ headwater.string_literals(cap.channels) }})

        group by candidates.profile_id
    ) as cap_{{ loop.index }}
        on ready.profile_id = cap_{{ loop.index }}.profile_id
    {%- endif %}
    {%- endfor %}

),
{%- if over_together %}

judged__{{ node.name }} as (

    select
        {%- for column in each %}
        asked.{{ column }},
        {%- endfor %}
        asked.outcome,
        asked.happened_at,
        asked.is_new,
        asked.arrived_at,
        case when {{ over_together | join(' or ') }} then 'capped' else asked.reason end as reason

    from asked__{{ node.name }} as asked

    left join (
        select
            {%- for column in each %}
            placed.{{ column }},
            {%- endfor %}
            max(placed.place) as place

        from (
            select
                {%- for column in each %}
                asked.{{ column }},
                {%- endfor %}
                row_number() over (
                    partition by contacts_of.account_id
                    order by asked.profile_id, asked.entry_number, asked.{{ context.key }}
                ) as place

            from asked__{{ node.name }} as asked

            inner join contacts_of
                on asked.profile_id = contacts_of.profile_id

            where
                asked.outcome = 'due'
                and asked.reason is null
                and not asked.is_holdout
        ) as placed

        group by placed.{{ each | join(', placed.') }}
    ) as of_company
        on {{ headwater._same('asked', 'of_company', each) }}

),
{%- endif %}

{{ gone_on }} as (

    select
        {%- for column in each %}
        {{ column }},
        {%- endfor %}
        case when reason is null then outcome else {{ dbt.concat(["'dropped_'", 'reason']) }} end as outcome,
        happened_at,
        is_new

    from judged__{{ node.name }}

    where
        reason is null
        {%- if node.when_not_allowed == 'drop' %}
        or reason is not null
        {%- else %}
        or {{ headwater.timestamp_add('arrived_at', rules.delay.amount, rules.delay.unit) }} <= {{ headwater.cdp_now() }}
        {%- endif %}

),

{# A row for each reason, when it was first: whoever slept and is over the cap by the morning is told both. -#}
delayed__{{ node.name }} as (

    select
        {%- for column in each %}
        judged.{{ column }},
        {%- endfor %}
        case
            when first_reason.profile_id is null then {{ headwater.string_literal(node.name ~ '.delayed') }}
            else {{ dbt.concat([headwater.string_literal(node.name ~ '.delayed.'), 'judged.reason']) }}
        end as node,
        judged.reason as outcome,
        judged.happened_at

    from judged__{{ node.name }} as judged

    left join {{ gone_on }} as gone_on
        on {{ headwater._same('judged', 'gone_on', each) }}

    left join {{ recipients.known }} as first_reason
        on {{ headwater._same('judged', 'first_reason', each) }}
        and first_reason.node = {{ headwater.string_literal(node.name ~ '.delayed') }}

    left join {{ recipients.known }} as other_reason
        on {{ headwater._same('judged', 'other_reason', each) }}
        and other_reason.node = {{ dbt.concat([headwater.string_literal(node.name ~ '.delayed.'), 'judged.reason']) }}

    where
        gone_on.profile_id is null
        and (first_reason.profile_id is null or first_reason.outcome <> judged.reason)
        and other_reason.profile_id is null

),
{%- endmacro %}

{#- Expression: rows of two relations have the same values in some columns. -#}
{% macro _same(one, other, columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append(one ~ '.' ~ column ~ ' = ' ~ other ~ '.' ~ column) -%}
    {%- endfor -%}
    {{ return(parts | join('\n        and ')) }}
{%- endmacro %}

{#- Relation-shaped query: who is inside a journey of the same exclusion group, or of one that is wrong, and may not enter this one meanwhile; none where there is none. -#}
{% macro _journey_excluded(parsed, beside, context) -%}
    {%- set entity = headwater.journey_entity(parsed) -%}
    {%- set key = headwater.journey_key(parsed) -%}
    {%- if parsed['exclusion'] is not string or not modules.re.fullmatch('[a-z][a-z0-9_]*', parsed['exclusion']) -%}
        {%- do headwater.note_problem(context, 'exclusion', "wants a word that the journeys which exclude each other share, such as lifecycle") -%}
        {{ return('') }}
    {%- endif -%}
    {%- set parts, aliases = [], ref('headwater', 'identity_aliases') -%}
    {%- for other in beside if other.definition.get('exclusion') == parsed['exclusion'] or (other.is_wrong and headwater.key_of_journey(other.name) == key) -%}
        {%- if not other.is_wrong and headwater.journey_entity(other.definition) != entity -%}
            {%- do headwater.note_problem(context, 'exclusion', "'" ~ parsed['exclusion'] ~ "' is also the word of " ~ other.name ~ ", whose entity is another: people and companies do not exclude each other") -%}
        {%- endif -%}
        {%- do parts.append(
            'select coalesce(successors.live_id, inside.' ~ key ~ ') as ' ~ key ~ ' from ' ~ other.table ~ ' as inside left join ' ~ aliases
            ~ ' as successors on inside.' ~ key ~ ' = successors.old_id left join ' ~ headwater._entries_left(other.table, aliases, entity)
            ~ ' as ended on coalesce(successors.live_id, inside.' ~ key ~ ') = ended.' ~ key ~ ' and inside.entry_number = ended.entry_number'
            ~ " where inside.node_type = 'entry' and ended." ~ key ~ " is null"
        ) -%}
    {%- endfor -%}
    {{ return(parts | join(' union all ')) }}
{%- endmacro %}
