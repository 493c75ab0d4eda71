{#- Value: how people enter: {kind, is_many, members}. `kind` is audience, event or date; `is_many` whether somebody may be inside several times, or
    again; `members` the query of who is to be let in, over `people` where it is not an audience: profile_id, is_holdout, and for an event or a date
    entry_number (of the event, or the date: the same for ever), entry_key and happened_at. Mistakes are noted. -#}
{% macro _journey_entry(parsed, context) -%}
    {%- set entry = parsed.get('entry') -%}
    {%- set found = entry | select('in', ['audience', 'did', 'date']) | list if entry is mapping else [] -%}
    {%- set again = parsed.get('re_entry', 'never') -%}
    {%- if again != 'never' and (again is not mapping or again | list != ['after'] or headwater._duration_problem(again['after'])) -%}
        {%- do headwater.note_problem(context, 're_entry', "wants never, or {after: 30 days}, counted from when they left, not '" ~ again ~ "'") -%}
        {%- set again = 'never' -%}
    {%- elif again is mapping and found and found[0] != 'audience' -%}
        {%- do headwater.note_problem(context, 're_entry', "is for the entry by an audience; each event and each date is an entry of its own") -%}
    {%- endif -%}
    {%- set told = {'kind': 'audience', 'is_many': false, 'again': 'never', 'most': none, 'event': none, 'rests': none, 'is_open': true, 'members': ''} -%}
    {%- if found | length != 1 -%}
        {%- do headwater.note_problem(context, 'entry', "wants {audience: the name of an audience model}, {did: an event}, each of which is an entry of its own, or {date: a trait, before: 3 days}"
            ~ (", not " ~ entry | join(', ') ~ headwater.nearest(entry | first, ['audience', 'did', 'date']) if entry is mapping and entry else '')) -%}
        {{ return(told) }}
    {%- endif -%}
    {%- for key in entry if key in headwater.definition_keys('journey') -%}
        {%- do headwater.note_problem(context, 'entry.' ~ key, "stands beside entry:, not in it") -%}
    {%- endfor -%}
    {%- do headwater.note_unknown_keys(context, entry | reject('in', headwater.definition_keys('journey')) | list, headwater.definition_keys('entry_' ~ found[0]), 'entry') -%}
    {%- set most = entry.get('at_most_a_day') -%}
    {%- if most is not none and (most is boolean or most is not integer or most < 1) -%}
        {%- do headwater.note_problem(context, 'entry.at_most_a_day', "wants a whole number, 1 or more, not '" ~ most ~ "'") -%}
    {%- endif -%}
    {%- do told.update({'most': most, 'is_open': headwater._journey_is_open(context, entry)}) -%}
    {%- if found[0] == 'audience' -%}
        {%- do headwater.note_unknown_keys(context, [entry.get('existing', 'enter')], ['enter', 'leave_out'], 'entry.existing') -%}
        {%- do told.update({'is_many': again is mapping, 'again': again}) -%}
        {%- if not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', entry['audience'] | string) -%}
            {%- do headwater.note_problem(context, 'entry.audience', "wants the name of an audience model, not '" ~ entry['audience'] ~ "'") -%}
        {%- elif not headwater.is_absent(context, entry['audience'], 'entry.audience') -%}
            {%- do told.update({'members': 'select ' ~ context.key ~ ', is_holdout from ' ~ headwater.model_ref(entry['audience'], context)}) -%}
        {%- endif -%}
        {{ return(told) }}
    {%- endif -%}
    {%- set holdout = headwater._share(context, entry['holdout'], 'entry.holdout') if 'holdout' in entry else none -%}
    {%- set is_holdout = headwater.held_out_by_chance('entering.' ~ context.key, [holdout, headwater.global_holdout(context, context.entity, entry.get('global_holdout', 'held_out'))]) -%}
    {%- set who = headwater.condition_predicate(context, entry['who'], 'entry.who') if 'who' in entry else none -%}
    {%- set excluded = headwater.setting('cdp_always_excluded').get(context.entity) -%}
    {%- if excluded -%}
        {%- set kept_out = 'not (' ~ headwater.condition_predicate(context, excluded, 'vars: cdp_always_excluded.' ~ context.entity) ~ ')' -%}
        {%- set who = '(' ~ who ~ ') and ' ~ kept_out if who else kept_out -%}
    {%- endif -%}
    {%- set entering = headwater._journey_events(context, entry, who) if found[0] == 'did' else headwater._journey_dates(context, entry, who) -%}
    {%- do told.update({
        'kind': 'event' if found[0] == 'did' else 'date', 'is_many': true, 'rests': headwater._journey_rests(context, entry),
        'event': headwater.declared_event(context, entry['did'], 'entry') if found[0] == 'did' and not context.problems else none,
        'members': 'select entering.*, ' ~ is_holdout ~ ' as is_holdout from (' ~ entering ~ ') as entering',
    }) -%}
    {{ return(told) }}
{%- endmacro %}

{#- Query: events that are each an entry, of people whom `who` is true for. One of long ago does not let in: the first build would take all there ever were. -#}
{% macro _journey_events(context, entry, who) -%}
    {%- set event = headwater.declared_event(context, entry['did'], 'entry.did') -%}
    {%- set columns = headwater._columns_of(context, event.model) if event else {} -%}
    {%- if not event -%}
        {{ return('') }}
    {%- elif columns.is_complete and context.key not in columns.types -%}
        {%- do headwater.note_problem(context, 'entry.did', "wants an event of " ~ ('people' if context.entity == 'person' else 'companies') ~ ", with " ~ context.key) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set window = {'within': entry.get('within', '3 days')} -%}
    {%- for key in ['where', 'when'] if key in entry -%}
        {%- do window.update({key: entry[key]}) -%}
    {%- endfor -%}
    {%- set key = 'cast(events.' ~ event.key ~ ' as ' ~ dbt.type_string() ~ ')' -%}
    {{ return(
        'select candidates.' ~ context.key ~ ', ' ~ headwater.node_key(key) ~ ' as entry_number, ' ~ key ~ ' as entry_key, '
        ~ headwater._instant('events.' ~ event.time) ~ ' as happened_at from ' ~ headwater.model_ref(event.model, context)
        ~ ' as events inner join people as candidates on events.' ~ context.key ~ ' = candidates.' ~ context.key ~ ' where events.' ~ event.key ~ ' is not null and '
        ~ headwater._event_window(context, 'events', event, window, 'entry') ~ (' and ' ~ who if who)
    ) }}
{%- endmacro %}

{#- Query: people whose date is near enough, one entry for each date, or for each year. -#}
{% macro _journey_dates(context, entry, who) -%}
    {%- if entry.get('yearly', true) is not boolean -%}
        {%- do headwater.note_problem(context, 'entry.yearly', "wants true or false, without quotes") -%}
    {%- endif -%}
    {%- set yearly = entry.get('yearly') is true -%}
    {%- set days = {} -%}
    {%- for key in ['before', 'after'] if key in entry -%}
        {%- set found = modules.re.fullmatch('([1-9][0-9]{0,2}) (day|week)s?', entry[key] | string) -%}
        {%- if not found -%}
            {%- do headwater.note_problem(context, 'entry.' ~ key, "wants whole days or weeks, such as 3 days, not '" ~ entry[key] ~ "'") -%}
        {%- else -%}
            {%- do days.update({key: found[1] | int * (7 if found[2] == 'week' else 1)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if 'before' in entry and 'after' in entry -%}
        {%- do headwater.note_problem(context, 'entry', "wants before: or after:, not both") -%}
    {%- endif -%}
    {%- set type = headwater.use_trait(context, entry['date'], 'entry.date') -%}
    {%- if type and type != 'time' -%}
        {%- do headwater.note_problem(context, 'entry.date', "'" ~ entry['date'] ~ "' is no date or time") -%}
    {%- endif -%}
    {#- The days that the date may be of: those of two builds that may have been missed stand beside today's, but nothing is announced that has been. -#}
    {%- set today = headwater._period_start(headwater._clock_now(context), 'day') -%}
    {%- set shift = days.get('before', 0) - days.get('after', 0) -%}
    {%- set last = today + modules.datetime.timedelta(days=shift) -%}
    {%- set first = today + modules.datetime.timedelta(days=[0, shift - 2] | max if 'before' in days else shift - 2) -%}
    {%- set clock = 'cast(' ~ headwater._clock_of(context, 'candidates.' ~ entry['date']) ~ ' as date)' -%}
    {%- set number = '(extract(month from ' ~ clock ~ ') * 100 + extract(day from ' ~ clock ~ '))' -%}
    {%- set parts = [] -%}
    {%- set keys = [] -%}
    {%- if yearly -%}
        {#- 29 February is 28 February in a year without. -#}
        {%- for year in range(first.year, last.year + 1) -%}
            {%- set low = first if first.year == year else modules.datetime.datetime(year, 1, 1) -%}
            {%- set high = last if last.year == year else modules.datetime.datetime(year, 12, 31) -%}
            {%- set shown = 'case when ' ~ number ~ ' = 229 then ' ~ (229 if headwater._is_leap(year) else 228) ~ ' else ' ~ number ~ ' end' -%}
            {%- set is_in = '(' ~ shown ~ ' between ' ~ (low.month * 100 + low.day) ~ ' and ' ~ (high.month * 100 + high.day)
                ~ ' and extract(year from ' ~ clock ~ ') < ' ~ year ~ ')' -%}
            {%- do parts.append(is_in) -%}
            {%- do keys.append('when ' ~ is_in ~ " then '" ~ year ~ "'") -%}
        {%- endfor -%}
        {%- set key = 'case ' ~ keys | join(' ') ~ ' end' -%}
    {%- else -%}
        {%- do parts.append(clock ~ ' between ' ~ headwater._date_literal(first) ~ ' and ' ~ headwater._date_literal(last)) -%}
        {%- set key = 'cast(extract(year from ' ~ clock ~ ') * 10000 + ' ~ number ~ ' as ' ~ dbt.type_string() ~ ')' -%}
    {%- endif -%}
    {{ return(
        'select dated.' ~ context.key ~ ', ' ~ headwater.node_key('dated.entry_key') ~ ' as entry_number, dated.entry_key, ' ~ headwater.cdp_now()
        ~ ' as happened_at from (select candidates.' ~ context.key ~ ', ' ~ key ~ ' as entry_key from people as candidates where (' ~ parts | join(' or ') ~ ')'
        ~ (' and ' ~ who if who) ~ ') as dated where dated.entry_key is not null'
    ) }}
{%- endmacro %}

{% macro _date_literal(day) -%}
    {{ return('cast(' ~ headwater.timestamp_literal(day | string) ~ ' as date)') }}
{%- endmacro %}

{#- Value: when somebody may come in by another event or date, `again: {after: 30 days}` since they last did, `when_left`, or `never`; none where each is
    an entry of its own. -#}
{% macro _journey_rests(context, entry) -%}
    {%- set again = entry.get('again') -%}
    {%- if again is none or again is undefined or again in ['never', 'when_left'] -%}
        {{ return(again if again is string else none) }}
    {%- elif again is not mapping or again | list != ['after'] or headwater._duration_problem(again['after'], 1) -%}
        {%- do headwater.note_problem(context, 'entry.again', "wants never, when_left or {after: 30 days}, counted from when they last came in, not '" ~ again ~ "'") -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(again) }}
{%- endmacro %}

{#- Value: whether now is one of the days on which the journey lets in, `from: 2026-12-01` and `to: 2026-12-24`, both inside. -#}
{% macro _journey_is_open(context, entry) -%}
    {%- set today = headwater._period_start(headwater._clock_now(context), 'day') -%}
    {%- if 'from' in entry and 'to' in entry and entry['from'] | string > entry['to'] | string -%}
        {%- do headwater.note_problem(context, 'entry.to', "is before from:, so that nobody comes in") -%}
    {%- endif -%}
    {%- for key in ['from', 'to'] if key in entry -%}
        {%- set instant = headwater.utc_instant(entry[key] | string) -%}
        {%- if not instant or entry[key] | string | length != 10 -%}
            {%- do headwater.note_problem(context, 'entry.' ~ key, "wants a day such as 2026-12-01, not '" ~ entry[key] ~ "'") -%}
            {{ return(false) }}
        {%- endif -%}
        {%- set day = headwater._datetime_of(instant) -%}
        {%- if (key == 'from' and today < day) or (key == 'to' and today > day) -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{#- Expression: one entry of one person or company. -#}
{% macro _traveller_id(alias, key) -%}
    {{ return(dbt.concat([alias ~ '.' ~ key, "'|'", 'cast(' ~ alias ~ '.entry_number as ' ~ dbt.type_string() ~ ')'])) }}
{%- endmacro %}

{#- CTEs: who comes in with this build, by `ever`, the log of all versions; of more than may come in on one day those with the smallest ids, the others on a later one. -#}
{% macro _journey_entries(entry, excluded, context, leaves_out, ever='logged') -%}
{%- set most = entry.most if not leaves_out else none -%}
{%- set rests, key = entry.rests, context.key -%}
{%- if rests %}
{# Of the events or dates that have let nobody in yet the first, if the person's last entry leaves room for it. -#}
rested_members as (

    select members.*

    from (
        select
            members.*,
            row_number() over (partition by members.{{ key }} order by members.happened_at nulls last, members.entry_number nulls last) as turn

        from members

        left join (select distinct {{ 'entry_number' if entry.kind == 'event' else key ~ ', entry_number' }} from {{ ever }} where node = 'entry') as had
            on members.entry_number = had.entry_number
            {%- if entry.kind != 'event' %}
            and members.{{ key }} = had.{{ key }}
            {%- endif %}

        left join (
            select
                {{ key }},
                max(case when node = 'entry' then happened_at end) as last_entered_at,
                max(case when node_type = 'exit' then happened_at end) as last_left_at,
                count(distinct case when node = 'entry' then entry_number end)
                    - count(distinct case when node_type = 'exit' then entry_number end) as open_entries

            from {{ ever }}

            group by {{ key }}
        ) as rested
            on members.{{ key }} = rested.{{ key }}

        where
            had.entry_number is null
            and (
                rested.last_entered_at is null
                {%- if rests == 'when_left' %}
                or (rested.open_entries <= 0 and rested.last_left_at <= members.happened_at)
                {%- elif rests is mapping %}
                {%- set length = headwater.audience_duration(rests['after'], 'entry.again.after') %}
                or {{ headwater.timestamp_add('rested.last_entered_at', length.amount, length.unit) }} <= members.happened_at
                {%- endif %}
            )
    ) as members

    where members.turn = 1

),

{% endif -%}
{%- set today = headwater.timestamp_literal(headwater._utc_of_clock(context, headwater._period_start(headwater._clock_now(context), 'day'))) -%}
{{ 'coming' if most else 'entries' }} as (

    select
        members.{{ key }},
        {%- if entry.kind != 'audience' %}
        members.entry_number,
        members.entry_key,
        {%- elif entry.is_many %}
        cast(coalesce(before.entries, 0) + 1 as {{ dbt.type_int() }}) as entry_number,
        {{ headwater._text_or_null(none) }} as entry_key,
        {%- else %}
        cast(1 as {{ dbt.type_int() }}) as entry_number,
        {{ headwater._text_or_null(none) }} as entry_key,
        {%- endif %}
        coalesce(members.is_holdout, 1 = 0) as is_holdout,
        {{ 'members.happened_at' if entry.kind != 'audience' else headwater.cdp_now() }} as happened_at

    from {{ 'rested_members as members' if rests else 'members' }}
    {%- if entry.kind == 'event' %}

    {# An event is one entry for ever, whoever it is of by now. -#}
    left join (select distinct entry_number from {{ ever }} where node = 'entry') as before
        on members.entry_number = before.entry_number
    {%- elif entry.kind == 'date' %}

    left join (select {{ key }}, entry_number from {{ ever }} where node = 'entry') as before
        on members.{{ key }} = before.{{ key }}
        and members.entry_number = before.entry_number
    {%- else %}

    left join (
        select
            {{ key }},
            max(entry_number) as entries,
            max(case when outcome = 'was_there' then 1 else 0 end) as was_there,
            count(distinct case when node = 'entry' then entry_number end)
                - count(distinct case when node_type = 'exit' then entry_number end) as open_entries,
            {# Of two who became one, one may have left long before the other was in it. -#}
            max(last_at) as left_at

        from {{ ever }}

        group by {{ key }}
    ) as before
        on members.{{ key }} = before.{{ key }}
    {%- endif %}

    where
        members.{{ key }} is not null
        {%- if not entry.is_open or context.is_kept %}
        and 1 = 0
        {%- endif %}
        and (
            {{ 'before.entry_number' if entry.kind != 'audience' else 'before.' ~ key }} is null
            {%- if entry.kind == 'audience' and entry.is_many %}
            or (
                before.was_there = 0
                and before.open_entries <= 0
                and before.left_at <= {{ headwater.audience_ago(entry.again['after'], 're_entry.after') }}
            )
            {%- endif %}
        )
        {%- if excluded %}
        and {{ headwater.in_keys('members.' ~ key, 'inside.' ~ key, '(' ~ excluded ~ ') as inside where true', negated=true) }}
        {%- endif %}

),
{%- if most %}

entries as (

    select
        coming.{{ key }},
        coming.entry_number,
        coming.entry_key,
        coming.is_holdout,
        coming.happened_at

    from (
        select
            coming.*,
            row_number() over (order by coming.{{ key }}, coming.entry_number) as place

        from coming
    ) as coming

    where coming.place <= {{ most }} - (select count(*) from {{ ever }} as logged where logged.node = 'entry' and logged.happened_at >= {{ today }})

),
{%- endif %}
{%- endmacro %}
