{#- Value: what a wait by the clock or a date waits for: {minute, weekday} in the person's zone, or {date, days}; none for other waits, and wrong ones, which are noted. -#}
{% macro _journey_wait_clock(body, path, walk) -%}
    {%- set kinds = body | select('in', ['time', 'weekday', 'date', 'day', 'from', 'best_hour']) | list -%}
    {%- if not kinds or body | select('in', ['for', 'until', 'timeout']) | list -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if 'date' in body -%}
        {%- do headwater.note_unknown_keys(walk, body, ['date', 'before', 'after'], path) -%}
        {%- set days = {} -%}
        {%- for key in ['before', 'after'] if key in body -%}
            {%- set found = modules.re.fullmatch('([1-9][0-9]{0,2}) (day|week)s?', body[key] | string) -%}
            {%- if not found or body | length > 2 -%}
                {%- do headwater.note_problem(walk, path ~ '.' ~ key, "wants whole days or weeks, such as 3 days, and before: or after:, not both") -%}
            {%- else -%}
                {%- do days.update({key: found[1] | int * (7 if found[2] == 'week' else 1)}) -%}
            {%- endif -%}
        {%- endfor -%}
        {{ return({'date': body['date'], 'days': days.get('after', 0) - days.get('before', 0)}) }}
    {%- elif 'from' in body -%}
        {%- do headwater.note_unknown_keys(walk, body, ['from', 'to', 'weekday'], path) -%}
        {%- set from, to = headwater._minute_of_day(body['from']), headwater._minute_of_day(body.get('to')) -%}
        {%- if from is not integer or to is not integer or from == to -%}
            {%- do headwater.note_problem(walk, path, "wants {from: '09:00', to: '17:00'}, in quotes, and weekday: if need be") -%}
        {%- endif -%}
        {{ return({'open': {'from': from, 'to': to}, 'weekdays': headwater._weekdays_told(body, path, walk)}) }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(walk, body, ['time', 'weekday', 'day', 'best_hour'], path) -%}
    {%- if 'best_hour' in body and body['best_hour'] is not mapping -%}
        {%- do headwater.note_problem(walk, path ~ '.best_hour', "wants events, such as {did: campaign_engaged, where: {kind: opened}, within: 90 days}") -%}
    {%- endif -%}
    {%- if 'best_hour' in body and body | select('in', ['weekday', 'day']) | list -%}
        {%- do headwater.note_problem(walk, path, "best_hour: stands with time: alone, the hour of who has none") -%}
    {%- elif 'day' in body and (body['day'] is boolean or body['day'] is not integer or body['day'] < 1 or body['day'] > 28 or 'weekday' in body) -%}
        {%- do headwater.note_problem(walk, path ~ '.day', "wants a day of the month, 1 to 28, without weekday:") -%}
    {%- endif -%}
    {%- set minute = headwater._minute_of_day(body.get('time', '00:00')) -%}
    {%- if minute is not integer -%}
        {%- do headwater.note_problem(walk, path ~ '.time', "wants a time of the day such as '09:30', in quotes, not '" ~ body['time'] ~ "'") -%}
    {%- endif -%}
    {{ return({'minute': minute or 0, 'weekdays': headwater._weekdays_told(body, path, walk), 'day': body.get('day'), 'best': body.get('best_hour') if body.get('best_hour') is mapping else none}) }}
{%- endmacro %}

{% macro _weekdays_told(body, path, walk) -%}
    {%- set weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] -%}
    {%- set named = body.get('weekday', weekdays) -%}
    {%- set named = [named] if named is string else named -%}
    {%- if named is mapping or named is not iterable -%}
        {%- do headwater.note_problem(walk, path ~ '.weekday', "wants a weekday or a list of them, such as [tuesday, thursday]") -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set numbers = [] -%}
    {%- for name in named -%}
        {%- do headwater.note_unknown_keys(walk, [name], weekdays, path ~ '.weekday') -%}
        {%- do numbers.append(weekdays.index(name)) if name in weekdays -%}
    {%- endfor -%}
    {{ return(numbers) }}
{%- endmacro %}

{#- Expression, timestamp: when the clock where the person is last showed what a wait waits for, up to five minutes from now: a schedule is never
    to the second. Whoever came before then has waited for it. -#}
{% macro _journey_last_clock(zones, clock) -%}
    {%- if clock.best_column -%}
        {#- By the clock of the project, which the hour was found by. -#}
        {%- set cases = [] -%}
        {%- set now = headwater._clock_now({'zone': zones.default}) -%}
        {%- for hour in range(24) -%}
            {%- do cases.append(' when ' ~ hour ~ ' then ' ~ headwater.timestamp_literal(headwater._last_clock_at(zones.default, now, {'minute': hour * 60, 'weekdays': clock.weekdays}))) -%}
        {%- endfor -%}
        {{ return('case ' ~ clock.best_column ~ cases | join ~ ' else ' ~ headwater._journey_last_clock(zones, {'minute': clock.minute, 'weekdays': clock.weekdays}) ~ ' end') }}
    {%- endif -%}
    {%- set instants = {} -%}
    {%- for zone, shown in zones.zones.items() -%}
        {%- do instants.update({zone: headwater._last_clock_at(zone, shown, clock)}) -%}
    {%- endfor -%}
    {{ return(headwater._instant_by_zone(
        zones, instants, headwater._last_clock_at(zones.default, headwater._clock_now({'zone': zones.default}), clock)
    )) }}
{%- endmacro %}

{#- Expression, timestamp: the one of `instants`, {zone: value}, where the person is, else `default`; alike ones stand together. -#}
{% macro _instant_by_zone(zones, instants, default) -%}
    {%- set cases = {} -%}
    {%- for zone, instant in instants.items() if instant != default -%}
        {%- do cases.update({instant: cases.get(instant, []) + [headwater.string_literal(zone)]}) -%}
    {%- endfor -%}
    {%- set parts = [] -%}
    {%- for instant, listed in cases.items() -%}
        {%- do parts.append(' when ' ~ zones.column ~ ' in (' ~ listed | join(', ') ~ ') then ' ~ headwater.timestamp_literal(instant)) -%}
    {%- endfor -%}
    {%- set otherwise = headwater.timestamp_literal(default) -%}
    {{ return('case' ~ parts | join ~ ' else ' ~ otherwise ~ ' end' if parts else otherwise) }}
{%- endmacro %}

{% macro _last_clock_at(zone, shown, clock) -%}
    {%- set shown = shown + modules.datetime.timedelta(minutes=5) -%}
    {%- set soon = (headwater.now_value() + modules.datetime.timedelta(minutes=5)) | string -%}
    {%- set found = namespace(at=none) -%}
    {%- for back in range(35) if found.at is none -%}
        {%- set at = headwater._period_start(shown, 'day') + modules.datetime.timedelta(days=-back, minutes=clock.minute) -%}
        {%- if at <= shown and at.weekday() in clock.weekdays and (not clock.day or at.day == clock.day) -%}
            {#- An hour that a clock leaves out, in spring, is the one after it, which may be still to come. -#}
            {%- set instant = headwater._utc_of_clock({'zone': zone}, at) -%}
            {%- if instant <= soon -%}
                {%- set found.at = instant -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.at) }}
{%- endmacro %}

{#- Expression, boolean: the day of a wait for a date has come, or there is no date. -#}
{% macro _journey_date_has_come(context, clock, path) -%}
    {%- set now = headwater._clock_now(context) + modules.datetime.timedelta(minutes=5) -%}
    {%- set fixed = headwater.utc_instant(clock.date) -%}
    {%- if fixed -%}
        {%- do clock.update({'outcome': "'waited'"}) -%}
        {%- set day = headwater._datetime_of(fixed) + modules.datetime.timedelta(days=clock.days) -%}
        {{ return('1 = 1' if day <= now else '1 = 0') }}
    {%- elif clock.date is mapping -%}
        {%- if clock.date | list != ['entry'] or not context.get('entry_event') -%}
            {%- do headwater.note_problem(context, path, "wants a trait, a day such as 2026-12-24, or {entry: a property} where an event lets in") -%}
            {{ return('1 = 0') }}
        {%- endif -%}
        {%- set type = headwater.use_entry(context, clock.date['entry'], path) -%}
        {%- set name = 'entry_' ~ clock.date['entry'] -%}
    {%- else -%}
        {%- set type = headwater.use_trait(context, clock.date, path) -%}
        {%- set name = clock.date -%}
    {%- endif -%}
    {%- if type and type != 'time' -%}
        {%- do headwater.note_problem(context, path, "'" ~ name ~ "' is no date or time") -%}
    {%- endif -%}
    {%- set column = 'candidates.' ~ name -%}
    {%- do clock.update({'outcome': 'case when ' ~ column ~ " is null then 'no_date' else 'waited' end"}) -%}
    {%- set day = headwater.timestamp_add(headwater._clock_of(context, column), clock.days, 'day') -%}
    {{ return('(' ~ column ~ ' is null or ' ~ day ~ ' <= ' ~ headwater.timestamp_literal(now | string) ~ ')') }}
{%- endmacro %}

{#- Expression, boolean: it is one of the hours and weekdays now where the person is. -#}
{% macro _journey_is_open_hour(zones, clock) -%}
    {%- set open, closed = [], [] -%}
    {%- for zone, shown in zones.zones.items() -%}
        {%- do (open if headwater._is_quiet_at(shown, clock.open) and shown.weekday() in clock.weekdays else closed).append(headwater.string_literal(zone)) -%}
    {%- endfor -%}
    {%- set shown = headwater._clock_now({'zone': zones.default}) -%}
    {%- if headwater._is_quiet_at(shown, clock.open) and shown.weekday() in clock.weekdays -%}
        {{ return('coalesce(' ~ zones.column ~ ' not in (' ~ closed | join(', ') ~ '), 1 = 1)' if closed else '1 = 1') }}
    {%- endif -%}
    {{ return('coalesce(' ~ zones.column ~ ' in (' ~ open | join(', ') ~ '), 1 = 0)' if open else '1 = 0') }}
{%- endmacro %}

{#- Expression: the arm of a split that a person or company is in, by the hash of their id: the same in every entry. -#}
{% macro _journey_arm(node, context) -%}
    {%- set sum = namespace(percent=0) -%}
    {%- set cases = [] -%}
    {%- set key = dbt.concat([headwater.string_literal('split|' ~ context.name ~ '|' ~ node.name ~ '|'), 'arrived.' ~ context.key]) -%}
    {%- for arm in node.arms -%}
        {%- set sum.percent = sum.percent + arm.percent -%}
        {%- if loop.last -%}
            {%- do cases.append(' else ' ~ headwater.string_literal(arm.name)) -%}
        {%- else -%}
            {%- do cases.append(' when ' ~ headwater.hash_below(key, sum.percent) ~ ' then ' ~ headwater.string_literal(arm.name)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('case' ~ cases | join ~ ' end') }}
{%- endmacro %}

{#- Value: {name, percent, steps} of each arm of a split. -#}
{% macro _journey_arms(body, path, walk) -%}
    {%- set arms = [] -%}
    {%- set sum = namespace(percent=0) -%}
    {%- for name, told in body.items() -%}
        {%- set has_share = told is mapping and told.get('percent') is not boolean and told.get('percent') is number and told['percent'] > 0 -%}
        {%- if name is not string or not modules.re.fullmatch('[a-z][a-z0-9_]{0,49}', name) or name == 'skipped' -%}
            {%- do headwater.note_problem(walk, path, "'" ~ name ~ "' is no name of an arm: small letters, digits and underscores, and not skipped") -%}
        {%- elif not has_share -%}
            {%- do headwater.note_problem(walk, path ~ '.' ~ name, "wants {percent: 50, steps: [...]}") -%}
        {%- endif -%}
        {%- if told is mapping -%}
            {%- do headwater.note_unknown_keys(walk, told, headwater.definition_keys('split_arm'), path ~ '.' ~ name) -%}
            {%- set sum.percent = sum.percent + (told['percent'] if has_share else 0) -%}
            {%- do arms.append({'name': name, 'percent': told.get('percent'), 'steps': told.get('steps') or []}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if arms | length < 2 or sum.percent < 99.999 or sum.percent > 100.001 -%}
        {%- do headwater.note_problem(walk, path, "wants two arms or more whose percent add up to 100, not " ~ sum.percent) -%}
    {%- endif -%}
    {{ return(arms) }}
{%- endmacro %}
