{#- Value: the instant a run takes as now, a naive datetime in UTC. -#}
{% macro now_value() -%}
    {%- set as_of = var('cdp_as_of', none) or (env_var('HEADWATER_AS_OF', '') if execute else '') -%}
    {{ return(headwater._datetime_of(headwater.utc_instant((as_of or run_started_at.strftime('%Y-%m-%d %H:%M:%S')) | string))) }}
{%- endmacro %}

{#- Value: the naive datetime of a text 'YYYY-MM-DD HH:MM:SS', parts of a second left out. -#}
{% macro _datetime_of(text) -%}
    {{ return(modules.datetime.datetime(
        text[0:4] | int, text[5:7] | int, text[8:10] | int, text[11:13] | int, text[14:16] | int, text[17:19] | int
    )) }}
{%- endmacro %}

{#- Text: 'YYYY-MM-DD HH:MM:SS' in UTC of what the clock of the definition's zone shows, a naive datetime. -#}
{% macro _utc_of_clock(context, clock) -%}
    {%- if context.zone != 'UTC' -%}
        {%- set known = modules.pytz.timezone(context.zone).localize(clock).astimezone(modules.pytz.utc) -%}
        {{ return(known.strftime('%Y-%m-%d %H:%M:%S')) }}
    {%- endif -%}
    {{ return(clock | string) }}
{%- endmacro %}

{#- Value: what the clock of the definition's zone shows now, a naive datetime. -#}
{% macro _clock_now(context) -%}
    {{ return(headwater._clock_at(context.zone, headwater.now_value())) }}
{%- endmacro %}

{#- Value: what the clock of a zone shows at an instant in UTC, both naive datetimes. -#}
{% macro _clock_at(zone, instant) -%}
    {%- if zone == 'UTC' -%}
        {{ return(instant) }}
    {%- endif -%}
    {%- set known = modules.pytz.utc.localize(instant).astimezone(modules.pytz.timezone(zone)) -%}
    {{ return(headwater._datetime_of(known.strftime('%Y-%m-%d %H:%M:%S'))) }}
{%- endmacro %}

{#- Value: the zone of days, weeks and hours, of `zone:` in a definition or `vars: cdp_time_zone`; UTC unless told. -#}
{% macro _definition_zone(problems, zone) -%}
    {%- set zone = zone or var('cdp_time_zone', none) or 'UTC' -%}
    {#- dbt's v2 has no list of zones; what is none stops at the clock that wants it, in its own words. -#}
    {%- set known = modules.pytz.all_timezones_set if modules.pytz.all_timezones_set is defined else [zone] -%}
    {%- if zone is not string or zone not in known -%}
        {%- do headwater.note_problem({'problems': problems}, 'zone', "'" ~ zone ~ "' is no time zone; write one such as Europe/Berlin, America/New_York or UTC, or theirs") -%}
        {{ return('UTC') }}
    {%- endif -%}
    {{ return(zone) }}
{%- endmacro %}

{#- Text: 'YYYY-MM-DD HH:MM:SS' in UTC of an instant as a definition writes it: a date or time, now, today, yesterday, tomorrow (their
    first instant), `30 days ago`, `in 30 days`; a bare duration is ago where `bare`. None for anything else. -#}
{% macro moment(context, value, bare=false) -%}
    {%- set instant = headwater.utc_instant(value) -%}
    {%- if instant or value is not string -%}
        {{ return(instant) }}
    {%- endif -%}
    {%- if value == 'now' -%}
        {{ return(headwater.now_value() | string) }}
    {%- elif value in ['today', 'yesterday', 'tomorrow'] -%}
        {%- set day = headwater._period_start(headwater._clock_now(context), 'day') -%}
        {{ return(headwater._utc_of_clock(context, day + modules.datetime.timedelta(days={'today': 0, 'yesterday': -1, 'tomorrow': 1}[value]))) }}
    {%- endif -%}
    {%- set is_future = value.startswith('in ') -%}
    {%- set length = value[3:] if is_future else value[:-4] if value.endswith(' ago') else value if bare else '' -%}
    {%- set length = headwater.told_in_days(length, is_future) -%}
    {%- if headwater._duration_problem(length) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set minutes = headwater.minutes_of(length) * (1 if is_future else -1) -%}
    {{ return((headwater.now_value() + modules.datetime.timedelta(minutes=minutes)) | string) }}
{%- endmacro %}

{#- Value: how many months `6 months` or `1 year` are, of at most 100 years; none for anything else. -#}
{% macro months_of(text) -%}
    {%- set found = modules.re.fullmatch('([1-9][0-9]{0,2}) +(month|year)s?', text) if text is string else none -%}
    {{ return(found[1] | int * (12 if found[2] == 'year' else 1) if found and (found[2] == 'month' or found[1] | int <= 100) else none) }}
{%- endmacro %}

{#- Text: a duration from now in days: `6 months` and `1 year` are those of the calendar, back from now or, where `is_future`, on from it; the last day of a
    month where that is shorter. Anything else stays what it is. -#}
{% macro told_in_days(text, is_future=false) -%}
    {%- set count = headwater.months_of(text) -%}
    {%- if not count -%}
        {{ return(text) }}
    {%- endif -%}
    {%- set now = headwater.now_value() -%}
    {%- set months = now.year * 12 + now.month - 1 + count * (1 if is_future else -1) -%}
    {%- set first = modules.datetime.datetime(months // 12, months % 12 + 1, 1) -%}
    {%- set last = (headwater._period_shift(first, 'month', 1) - modules.datetime.timedelta(days=1)).day -%}
    {%- set there = first + modules.datetime.timedelta(days=([now.day, last] | min) - 1) -%}
    {%- set today = headwater._period_start(now, 'day') -%}
    {{ return((((there - today) if is_future else (today - there)).days | string) ~ ' days') }}
{%- endmacro %}

{#- Value: the first instant of the day, week (of Monday), month, quarter or year that a naive datetime is in. -#}
{% macro _period_start(clock, unit) -%}
    {%- set day = modules.datetime.datetime(clock.year, clock.month, clock.day) -%}
    {%- if unit == 'week' -%}
        {{ return(day - modules.datetime.timedelta(days=day.weekday())) }}
    {%- elif unit in ['month', 'quarter', 'year'] -%}
        {%- set month = {'month': clock.month, 'quarter': (clock.month - 1) // 3 * 3 + 1, 'year': 1}[unit] -%}
        {{ return(modules.datetime.datetime(clock.year, month, 1)) }}
    {%- endif -%}
    {{ return(day) }}
{%- endmacro %}

{#- Value: the first instant of a period so many periods later. -#}
{% macro _period_shift(start, unit, count) -%}
    {%- if unit in ['day', 'week'] -%}
        {{ return(start + modules.datetime.timedelta(days=count * (7 if unit == 'week' else 1))) }}
    {%- endif -%}
    {%- set months = start.year * 12 + start.month - 1 + count * {'month': 1, 'quarter': 3, 'year': 12}[unit] -%}
    {{ return(modules.datetime.datetime(months // 12, months % 12 + 1, 1)) }}
{%- endmacro %}

{#- Value: {unit, count, start, end} of a calendar window, whole periods in the definition's zone with the end outside: today, yesterday,
    tomorrow, `this month`, `last week`, `next quarter`, `last 3 months` (whole ones, before this), 2026, 2026-05, 2026-Q2, 2026-05-17.
    None for anything else. -#}
{% macro _calendar_window(context, value) -%}
    {%- set text = (value if value is string else value | string) | replace('calendar ', '') -%}
    {%- set now = headwater._clock_now(context) -%}
    {%- set days = {'yesterday': -1, 'today': 0, 'tomorrow': 1} -%}
    {%- set away = modules.re.fullmatch('(in )?([1-9][0-9]{0,3}) (day|week|month|quarter|year)s?( ago)?', text) -%}
    {%- if text.endswith(' last year') and headwater._calendar_window(context, text[:-10]) -%}
        {#- Of days and weeks the same weekday: 52 weeks before. -#}
        {%- set window = headwater._calendar_window(context, text[:-10]) -%}
        {%- set start = window.start - modules.datetime.timedelta(days=364) if window.unit in ['day', 'week'] else headwater._period_shift(window.start, 'month', -12) -%}
        {{ return({'unit': window.unit, 'count': window.count, 'start': start, 'end': headwater._period_shift(start, window.unit, window.count)}) }}
    {%- endif -%}
    {%- set told = modules.re.fullmatch('(this|last|next)( [1-9][0-9]?)? (day|week|month|quarter|year)(s?)', text) -%}
    {%- set named = modules.re.fullmatch('((?:19|20)[0-9]{2})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?', text) -%}
    {%- if text in days -%}
        {%- set unit, count, first = 'day', 1, headwater._period_shift(headwater._period_start(now, 'day'), 'day', days[text]) -%}
    {%- elif away and (away[1] is none or away[1] == '') != (away[4] is none or away[4] == '') -%}
        {%- set unit, count = away[3], 1 -%}
        {%- set first = headwater._period_shift(headwater._period_start(now, unit), unit, away[2] | int * (1 if away[1] else -1)) -%}
    {%- elif told and (told[2] or not told[4]) and not (told[1] == 'this' and told[2]) -%}
        {%- set unit, count = told[3], (told[2] or '1') | int -%}
        {%- set first = headwater._period_shift(headwater._period_start(now, unit), unit, {'this': 0, 'last': -count, 'next': 1}[told[1]]) -%}
    {%- elif named -%}
        {%- set unit, count = 'quarter' if named[2] else 'month' if named[3] else 'year', 1 -%}
        {%- set first = modules.datetime.datetime(named[1] | int, (named[2] | int * 3 - 2) if named[2] else (named[3] or '1') | int, 1) -%}
    {%- elif headwater.utc_instant(text) and text | length == 10 -%}
        {%- set unit, count, first = 'day', 1, headwater._datetime_of(headwater.utc_instant(text)) -%}
    {%- else -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return({'unit': unit, 'count': count, 'start': first, 'end': headwater._period_shift(first, unit, count)}) }}
{%- endmacro %}

{#- The same, which notes a mistake and then gives today. -#}
{% macro calendar_window(context, value, path) -%}
    {%- set window = headwater._calendar_window(context, value) -%}
    {%- if window is none -%}
        {%- do headwater.note_problem(context, path, "'" ~ value ~ "' is no calendar window; write today, yesterday, this week, last month, next quarter, last 3 months, 30 days ago, in 2 weeks, this month last year, "
            ~ "2026, 2026-Q2, 2026-05 or 2026-05-17" ~ headwater.nearest(value, ['yesterday', 'tomorrow', 'this week', 'last week', 'this month', 'last month', 'last 3 months', 'this quarter',
            'last quarter', 'this year', 'last year'])) -%}
        {{ return(headwater._calendar_window(context, 'today')) }}
    {%- endif -%}
    {{ return(window) }}
{%- endmacro %}

{#- Value: the window of an event condition as {start, end, has_end, before}: instants as expressions, with the end inside unless `has_end`
    is false, and `before`, where the window of the same length before it begins. No `start` where all events up to now count. -#}
{% macro event_window(context, condition, path) -%}
    {%- set given = condition | select('in', ['within', 'between', 'during']) | list -%}
    {%- if given | length > 1 -%}
        {%- do headwater.note_problem(context, path, "wants one window, not " ~ given | join(' and ')) -%}
    {%- endif -%}
    {%- if not given -%}
        {{ return({'start': none, 'end': headwater.cdp_now(), 'is_closed': true, 'before': none}) }}
    {%- endif -%}
    {%- set value, path = condition[given[0]], path ~ '.' ~ given[0] -%}
    {%- if given[0] == 'within' -%}
        {%- set value = headwater.told_in_days(value) -%}
        {%- set problem = headwater._duration_problem(value, 1) -%}
        {%- if problem -%}
            {%- do headwater.note_problem(context, path, problem) -%}
            {{ return({'start': 'null', 'end': 'null', 'is_closed': true, 'before': 'null'}) }}
        {%- endif -%}
        {%- set duration = headwater.audience_duration(value, path) -%}
        {{ return({
            'start': headwater.audience_ago(value, path), 'end': headwater.cdp_now(), 'is_closed': true,
            'before': headwater.timestamp_add(headwater.cdp_now(), '-' ~ (2 * duration.amount), duration.unit),
        }) }}
    {%- elif given[0] == 'between' -%}
        {%- set ends = [] -%}
        {%- for one in (value if value is iterable and value is not string and value is not mapping and value | length == 2 else []) -%}
            {%- set instant = headwater.moment(context, one, bare=true) -%}
            {%- if instant -%}
                {%- do ends.append(headwater._datetime_of(instant)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if ends | length != 2 or ends[0] > ends[1] -%}
            {%- do headwater.note_problem(context, path, "wants [earlier, later], such as [90 days ago, 30 days ago] or [2026-01-01, 2026-03-31]") -%}
            {{ return({'start': 'null', 'end': 'null', 'is_closed': true, 'before': 'null'}) }}
        {%- endif -%}
        {%- do headwater._note_to_come(context, value[0], ends[0] >= headwater._datetime_of(headwater.moment(context, 'now', bare=true)), path) -%}
        {{ return({
            'start': headwater.timestamp_literal(ends[0] | string), 'end': headwater.timestamp_literal(ends[1] | string), 'is_closed': true,
            'before': headwater.timestamp_literal((ends[0] - (ends[1] - ends[0])) | string),
        }) }}
    {%- endif -%}
    {%- set window = headwater.calendar_window(context, value, path) -%}
    {%- do headwater._note_to_come(context, value, window.start > headwater._clock_now(context), path) -%}
    {{ return({
        'start': headwater._clock_literal(context, window.start), 'end': headwater._clock_literal(context, window.end), 'is_closed': false,
        'before': headwater._clock_literal(context, headwater._period_shift(window.start, window.unit, -window.count)),
    }) }}
{%- endmacro %}

{#- Nothing: notes a window that always begins later than now, where only what has been is counted. One that begins on a date will have been. -#}
{% macro _note_to_come(context, told, is_to_come, path) -%}
    {%- if is_to_come and not modules.re.fullmatch('[0-9]{4}(-.*)?', told | string) -%}
        {%- do headwater.note_problem(context, path, "'" ~ told ~ "' is always to come, and what is counted is up to now; of rows with a date to come say where: {its column: {during: next month}}") -%}
    {%- endif -%}
{%- endmacro %}

{#- Expression: the UTC timestamp of what the clock of the definition's zone shows. -#}
{% macro _clock_literal(context, clock) -%}
    {{ return(headwater.timestamp_literal(headwater._utc_of_clock(context, clock))) }}
{%- endmacro %}

{#- Expression: an instant is in a window, or in that and the one before it, and not later than now. -#}
{% macro _in_window(column, window, from_before=false) -%}
    {%- set parts = [column ~ ' <= ' ~ headwater.cdp_now()] -%}
    {%- if window.start -%}
        {%- do parts.append(column ~ ' >= ' ~ (window.before if from_before else window.start)) -%}
        {%- if window.end != headwater.cdp_now() -%}
            {%- do parts.append(column ~ (' <= ' if window.is_closed else ' < ') ~ window.end) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(parts | join(' and ')) }}
{%- endmacro %}

{#- Value: {sql, count}: an expression that numbers the periods of a calendar window, `during: last 3 months` with `in_each: month`, and how
    many there are up to now. -#}
{% macro _periods(context, condition, column, path) -%}
    {%- set unit, units = condition['in_each'], ['day', 'week', 'month', 'quarter', 'year'] -%}
    {%- if unit not in units or 'during' not in condition -%}
        {%- do headwater.note_problem(context, path ~ '.in_each', "wants one of " ~ units | join(', ') ~ ", beside during: a calendar window" ~ (headwater.nearest(unit, units) if unit not in units else '')) -%}
        {{ return({'sql': '1', 'count': 1}) }}
    {%- endif -%}
    {%- set window = headwater.calendar_window(context, condition['during'], path ~ '.during') -%}
    {%- set now = headwater._clock_now(context) -%}
    {%- set at = namespace(start=window.start, count=0) -%}
    {%- set cases = [] -%}
    {%- for number in range(1, 101) if at.start < window.end and at.start <= now -%}
        {%- set following = headwater._period_shift(headwater._period_start(at.start, unit), unit, 1) -%}
        {%- do cases.append('when ' ~ column ~ ' < ' ~ headwater._clock_literal(context, [following, window.end] | min) ~ ' then ' ~ number) -%}
        {%- set at.start = following -%}
    {%- endfor -%}
    {%- if not cases or (at.start < window.end and at.start <= now) -%}
        {%- do headwater.note_problem(context, path ~ '.in_each', "wants 1 to 100 periods up to now, and " ~ condition['during'] ~ " has " ~ ('more' if cases else 'none')) -%}
        {{ return({'sql': '1', 'count': 1}) }}
    {%- endif -%}
    {{ return({'sql': 'case ' ~ cases | join(' ') ~ ' end', 'count': cases | length}) }}
{%- endmacro %}
