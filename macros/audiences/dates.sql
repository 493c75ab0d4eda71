{#- Expression: a time compared by the calendar: `within_next: 7 days`, `during: this month`, `anniversary: {within_next: 7 days}` and
    `age: {between: [25, 35]}` in whole years. A date is a whole day, wherever the definition's zone is. -#}
{% macro date_comparison(context, column, operator, value, path) -%}
    {%- set is_date = headwater._is_date(context, column) -%}
    {%- set instant = headwater._instant(column) -%}
    {%- if operator == 'within_next' -%}
        {%- set problem = headwater._duration_problem(value, 1) -%}
        {%- if problem -%}
            {%- do headwater.note_problem(context, path, problem) -%}
            {{ return('false') }}
        {%- endif -%}
        {%- set length = modules.datetime.timedelta(minutes=headwater.minutes_of(value)) -%}
        {%- set now = headwater._clock_now(context) if is_date else headwater.now_value() -%}
        {{ return(instant ~ ' >= ' ~ headwater.timestamp_literal((headwater._period_start(now, 'day') if is_date else now) | string)
            ~ ' and ' ~ instant ~ ' <= ' ~ headwater.timestamp_literal((now + length) | string)) }}
    {%- elif operator == 'during' -%}
        {%- set window = headwater.calendar_window(context, value, path) -%}
        {%- if is_date -%}
            {%- set ends = [headwater.timestamp_literal(window.start | string), headwater.timestamp_literal(window.end | string)] -%}
        {%- else -%}
            {%- set ends = [headwater._clock_literal(context, window.start), headwater._clock_literal(context, window.end)] -%}
        {%- endif -%}
        {{ return(instant ~ ' >= ' ~ ends[0] ~ ' and ' ~ instant ~ ' < ' ~ ends[1]) }}
    {%- endif -%}
    {%- set clock = headwater._clock_of(context, column) -%}
    {%- set day_of_year = '(extract(month from ' ~ clock ~ ') * 100 + extract(day from ' ~ clock ~ '))' -%}
    {%- if operator == 'age' -%}
        {%- set now = headwater._clock_now(context) -%}
        {%- set today = headwater._day_number(now, is_last=true) -%}
        {{ return(headwater.comparison(
            context,
            '(' ~ now.year ~ ' - extract(year from ' ~ clock ~ ') - case when ' ~ day_of_year ~ ' > ' ~ today ~ ' then 1 else 0 end)',
            'number', value if value is mapping else {'equals': value}, path
        )) }}
    {%- endif -%}
    {{ return(headwater._anniversary(context, clock, day_of_year, value, path)) }}
{%- endmacro %}

{#- Expression: a column of dates is up to now, or earlier, by whole days: `within: 30 days` holds today and the thirty days before, `older_than` what came before
    those, at whichever hour it is asked. -#}
{% macro date_from_now(context, column, operator, value, path) -%}
    {%- set problem = headwater._duration_problem(value, 1 if operator == 'within' else 0) -%}
    {%- if problem -%}
        {%- do headwater.note_problem(context, path, problem) -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set now = headwater._clock_now(context) -%}
    {%- set first = headwater._period_start(now - modules.datetime.timedelta(minutes=headwater.minutes_of(value)), 'day') -%}
    {%- set instant = headwater._instant(column) -%}
    {%- if operator == 'older_than' -%}
        {{ return(instant ~ ' < ' ~ headwater.timestamp_literal(first | string)) }}
    {%- endif -%}
    {{ return(instant ~ ' >= ' ~ headwater.timestamp_literal(first | string) ~ ' and ' ~ instant ~ ' <= ' ~ headwater.timestamp_literal(headwater._period_start(now, 'day') | string)) }}
{%- endmacro %}

{#- Value: what a column of dates is compared with: of `today`, `now` and `30 days ago` the day that the clock of the definition's zone shows, of a list each;
    a date or a time that is written out is what it is. -#}
{% macro whole_day(context, value, bare=false) -%}
    {%- if value is iterable and value is not string and value is not mapping -%}
        {%- set days = [] -%}
        {%- for one in value -%}
            {%- do days.append(headwater.whole_day(context, one, bare)) -%}
        {%- endfor -%}
        {{ return(days) }}
    {%- endif -%}
    {%- set instant = headwater.moment(context, value, bare) if value is string and not headwater.utc_instant(value) else none -%}
    {{ return(headwater._clock_at(context.zone, headwater._datetime_of(instant)).strftime('%Y-%m-%d') if instant else value) }}
{%- endmacro %}

{#- Expression: the day and month of a date, in a later year, fall into a window of days; 29 February is 28 February in a year without. -#}
{% macro _anniversary(context, clock, day_of_year, value, path) -%}
    {%- set given = value | select('in', ['within_next', 'within', 'during']) | list if value is mapping else [] -%}
    {%- if given | length != 1 -%}
        {%- do headwater.note_problem(context, path, "wants one of {within_next: 7 days}, {within: 7 days}, {during: this month}") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, value, headwater.definition_keys('anniversary'), path) -%}
    {%- set now = headwater._clock_now(context) -%}
    {%- if given[0] == 'during' -%}
        {%- set window = headwater.calendar_window(context, value['during'], path ~ '.during') -%}
        {%- set first, last = window.start, window.end - modules.datetime.timedelta(days=1) -%}
    {%- else -%}
        {%- set told_length = headwater.told_in_days(value[given[0]], given[0] == 'within_next') -%}
        {%- set problem = headwater._duration_problem(told_length, 1) -%}
        {%- if problem -%}
            {%- do headwater.note_problem(context, path ~ '.' ~ given[0], problem) -%}
            {{ return('false') }}
        {%- endif -%}
        {%- set length = modules.datetime.timedelta(minutes=headwater.minutes_of(told_length)) -%}
        {%- set first, last = (now, now + length) if given[0] == 'within_next' else (now - length, now) -%}
    {%- endif -%}
    {%- set first, last = headwater._period_start(first, 'day'), headwater._period_start(last, 'day') -%}
    {%- if (last - first).days >= 365 -%}
        {%- do headwater.note_problem(context, path ~ '.' ~ given[0], "everybody has an anniversary in a year; write a shorter window") -%}
    {%- endif -%}
    {%- set low, high = headwater._day_number(first), headwater._day_number(last, is_last=true) -%}
    {%- set parts = [
        clock ~ ' < ' ~ headwater.timestamp_literal(first | string),
        '(' ~ day_of_year ~ ' >= ' ~ low ~ (' and ' if first.year == last.year else ' or ') ~ day_of_year ~ ' <= ' ~ high ~ ')',
    ] -%}
    {%- if 'years' in value -%}
        {%- set years = value['years'] -%}
        {%- do parts.append(headwater.comparison(
            context,
            '(case when ' ~ day_of_year ~ ' >= ' ~ low ~ ' then ' ~ first.year ~ ' else ' ~ last.year ~ ' end - extract(year from ' ~ clock ~ '))',
            'number', years if years is mapping else {'equals': years}, path ~ '.years'
        )) -%}
    {%- endif -%}
    {{ return(parts | join(' and ')) }}
{%- endmacro %}

{#- Value: 523 for 23 May; 28 February takes 29 February with it, as the last day, in a year that has none. -#}
{% macro _day_number(day, is_last=false) -%}
    {%- set number = day.month * 100 + day.day -%}
    {{ return(229 if is_last and number == 228 and not headwater._is_leap(day.year) else number) }}
{%- endmacro %}

{#- Value: whether a year has a 29 February. -#}
{% macro _is_leap(year) -%}
    {{ return(year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)) }}
{%- endmacro %}

{#- Value: whether a column is known to be of dates, which are whole days. -#}
{% macro _is_date(context, column) -%}
    {{ return(column.split('.')[-1] in context.dates) }}
{%- endmacro %}

{#- Expression: what the clock of the definition's zone shows at a time, or with `zone: theirs` the clock where the person is; a date stays what it is. -#}
{% macro _clock_of(context, column) -%}
    {%- set instant = headwater._instant(column) -%}
    {%- if headwater._is_date(context, column) -%}
        {{ return(instant) }}
    {%- endif -%}
    {%- set default = instant if context.zone == 'UTC' else headwater.clock_of_utc(instant, context.zone) -%}
    {%- set alias = column.split('.')[0] -%}
    {%- if not context.get('their_zones') or (alias == 'candidates' and context.entity != 'person') or alias not in ['candidates', 'events', 'following'] -%}
        {{ return(default) }}
    {%- endif -%}
    {%- do headwater.use_trait(context, 'time_zone', 'zone') if alias == 'candidates' -%}
    {%- set cases = [] -%}
    {%- for zone in context.their_zones if zone != context.zone -%}
        {%- do cases.append(' when ' ~ headwater.string_literal(zone) ~ ' then ' ~ headwater.clock_of_utc(instant, zone)) -%}
    {%- endfor -%}
    {{ return('(case ' ~ alias ~ '.' ~ ('time_zone' if alias == 'candidates' else 'their_zone') ~ cases | join ~ ' else ' ~ default ~ ' end)' if cases else default) }}
{%- endmacro %}

{#- Value: the zones that people are in, of a definition that says `zone: theirs`. They are asked of the table, as a warehouse stops at a name that is no zone;
    there are none but in a build, and in what `sync` asks. -#}
{% macro their_zones(context) -%}
    {%- set profiles = headwater.model_ref('profiles') -%}
    {%- do headwater._column_type(context, 'profiles', 'time_zone', 'zone') -%}
    {%- set zones = [] -%}
    {%- if execute and not context.problems and not headwater.is_offline() and modules.pytz.all_timezones_set is defined
        and (model.resource_type == 'sql_operation' or (model.resource_type == 'model' and flags.WHICH in ['build', 'run', 'retry'])) -%}
        {%- for row in run_query('select distinct time_zone from ' ~ profiles ~ ' where time_zone is not null order by 1') if row[0] in modules.pytz.all_timezones_set -%}
            {%- do zones.append(row[0]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(zones) }}
{%- endmacro %}

{#- Relation-shaped: events, or other rows, and with `zone: theirs` their_zone, the one of the person whose they are. -#}
{% macro event_rows(context, event) -%}
    {%- set rows = headwater.model_ref(event.model, context) -%}
    {%- if not context.get('their_zones') -%}
        {{ return(rows) }}
    {%- elif event.entity != 'person' -%}
        {{ return('(select own.*, ' ~ headwater._text_or_null(none) ~ ' as their_zone from ' ~ rows ~ ' as own)') }}
    {%- endif -%}
    {{ return('(select own.*, owners.time_zone as their_zone from ' ~ rows ~ ' as own left join ' ~ headwater.model_ref('profiles', context) ~ ' as owners on own.profile_id = owners.profile_id)') }}
{%- endmacro %}
