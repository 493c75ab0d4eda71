{#- Expression: a figure over the events of a person or company, compared: count {distinct}, sum, avg, min, max {property}, share {where}.
    Beside {previous: window}, the figure of the window of the same length before, it is that of the window alone. -#}
{% macro event_figure(context, event, function, condition, path) -%}
    {%- set wanted = condition[function] -%}
    {%- if wanted is not mapping -%}
        {%- do headwater.note_problem(context, path, "wants a mapping such as " ~ {
            'count': "{distinct: order_id, '>=': 2}", 'share': "{where: {status: returned}, '>': 0.3}",
        }.get(function, "{property: revenue_eur, '>=': 100}")) -%}
        {{ return('false') }}
    {%- endif -%}
    {%- if function == 'share' -%}
        {{ return(headwater._share_of_events(context, event, wanted, path)) }}
    {%- endif -%}
    {%- set setting = 'distinct' if function == 'count' else 'property' -%}
    {%- set value = (event.counted or 'events.' ~ event.key) if function == 'count' and 'distinct' not in wanted else headwater._figure_value(context, event, function, wanted.get(setting), path) -%}
    {%- set opening = ('count(' if event.counted and 'distinct' not in wanted else 'count(distinct ') if function == 'count' else 'coalesce(sum(' if function == 'sum' and headwater._looks_before(condition) else function ~ '(' -%}
    {%- set closing = '), 0)' if opening.startswith('coalesce') else ')' -%}
    {%- if function != 'count' -%}
        {%- set part_event = headwater._part_event(context, event, path) -%}
        {%- for name in condition.get('where', {}) if condition.get('where') is mapping and part_event and name not in (event.properties or []) and (part_event.properties is none or name in part_event.properties) -%}
            {%- do headwater.note_problem(context, path, "adds up whole events, also where only a part of one has this " ~ name ~ "; say did: " ~ part_event.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(headwater.comparison(
        context, headwater._in_window_only(context, event, condition, path, opening, value) ~ closing, 'number', headwater._rest(wanted, [setting]), path,
        previous=headwater._before_window_only(context, event, condition, path, opening, value) ~ closing if headwater._looks_before(condition) else none
    )) }}
{%- endmacro %}

{#- Expression: a property of an event, or for a count the day, week, month, weekday or hour it was in. -#}
{% macro _figure_value(context, event, function, property, path) -%}
    {%- set units = ['day', 'week', 'month', 'weekday', 'hour'] if function == 'count' and event.time else [] -%}
    {%- if property in units and property not in (event.properties or []) -%}
        {%- set clock = headwater._clock_of(context, 'events.' ~ event.time) -%}
        {{ return({
            'day': 'cast(' ~ clock ~ ' as date)',
            'week': 'floor(' ~ headwater.days_between(headwater.timestamp_literal('1900-01-01'), clock) ~ ' / 7)',
            'month': '(extract(year from ' ~ clock ~ ') * 12 + extract(month from ' ~ clock ~ '))',
            'weekday': headwater._weekday_of(clock),
            'hour': 'extract(hour from ' ~ clock ~ ')',
        }[property]) }}
    {%- endif -%}
    {%- if property is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', property) or (event.properties is not none and property not in event.properties) -%}
        {%- do headwater.note_problem(context, path, "property '" ~ (property or '') ~ "' is not one of " ~ ((event.properties or []) + units) | join(', ') ~ headwater.nearest(property or '', (event.properties or []) + units)) -%}
        {{ return('null') }}
    {%- endif -%}
    {%- set type = headwater._column_type(context, event.model, property, path) -%}
    {%- if function in ['first', 'last'] and type == 'list' -%}
        {%- do headwater.note_problem(context, path, "'" ~ property ~ "' is a list, which is compared with nothing") -%}
    {%- elif function not in ['count', 'first', 'last'] and (type or 'number') != 'number' -%}
        {%- do headwater.note_problem(context, path, "'" ~ property ~ "' is no number") -%}
    {%- endif -%}
    {{ return('events.' ~ property) }}
{%- endmacro %}

{#- Expression, boolean: the share of the events that have properties or times of day, 0 to 1, compared. -#}
{% macro _share_of_events(context, event, wanted, path) -%}
    {%- set share = headwater.share_of_rows(context, event, wanted if wanted is not mapping else headwater._picked(wanted, ['where', 'when']), path) -%}
    {%- set operators = headwater._rest(wanted, ['where', 'when']) -%}
    {%- do headwater._note_outside(context, operators, 0, 1, path) -%}
    {{ return(headwater.comparison(context, share, 'number', operators, path)) }}
{%- endmacro %}

{#- Expression: what share of events or rows, 0 to 1, has properties (where:) or times of day (when:). -#}
{% macro share_of_rows(context, event, wanted, path) -%}
    {%- set wheres = [] -%}
    {%- set told = wanted if wanted is mapping else {} -%}
    {%- do headwater.note_unknown_keys(context, told, headwater.definition_keys('share_what'), path) -%}
    {%- if told.get('where') is not none and told.get('where') is defined -%}
        {%- do wheres.append(headwater.where_clause(context, 'events', event.model, told['where'], path ~ '.where', event.properties)) -%}
    {%- endif -%}
    {%- if told.get('when') is not none and told.get('when') is defined -%}
        {%- do wheres.append(headwater.event_clock(context, 'events.' ~ event.time, told['when'], path ~ '.when')) -%}
    {%- endif -%}
    {%- if not wheres -%}
        {%- do headwater.note_problem(context, path, "wants where: or when:, what the events of the share have, and a comparison with 0 to 1") -%}
        {{ return('0') }}
    {%- endif -%}
    {%- set counted, distinct = (event.counted, '') if event.counted else ('events.' ~ event.key, 'distinct ') -%}
    {%- set part = 'count(' ~ distinct ~ 'case when ' ~ wheres | join(' and ') ~ ' then ' ~ headwater.of_its_rows(event, counted) ~ ' end) * 1.0 / ' -%}
    {%- set whole = 'count(' ~ distinct ~ headwater.of_its_rows(event, counted) ~ ')' -%}
    {{ return(part ~ ('nullif(' ~ whole ~ ', 0)' if event.only is defined else whole)) }}
{%- endmacro %}

{#- Value: whether a figure is compared with that of the window before. -#}
{% macro _looks_before(condition) -%}
    {%- for function in ['count', 'sum', 'avg', 'min', 'max'] if condition.get(function) is mapping -%}
        {%- for operand in condition[function].values() if operand is mapping and 'previous' in operand -%}
            {{ return(true) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{% macro _in_window_only(context, event, condition, path, opening, value) -%}
    {%- set value = headwater.of_its_rows(event, value) -%}
    {%- if not headwater._looks_before(condition) -%}
        {{ return(opening ~ value) }}
    {%- endif -%}
    {%- set window = headwater.event_window(context, condition, path) -%}
    {%- if not window.start -%}
        {%- do headwater.note_problem(context, path, "{previous: window} wants a window: within:, between: or during:") -%}
    {%- endif -%}
    {%- if 'in_each' in condition or 'then' in condition -%}
        {%- do headwater.note_problem(context, path, "{previous: window} cannot stand beside in_each: or then:") -%}
    {%- endif -%}
    {{ return(headwater._case_distinct(opening, 'events.' ~ event.time ~ ' >= ' ~ window.start, value)) }}
{%- endmacro %}

{% macro _before_window_only(context, event, condition, path, opening, value) -%}
    {%- set window = headwater.event_window(context, condition, path) -%}
    {{ return(headwater._case_distinct(opening, 'events.' ~ event.time ~ ' < ' ~ window.start, headwater.of_its_rows(event, value))) }}
{%- endmacro %}

{% macro _case_distinct(opening, test, value) -%}
    {{ return(opening ~ 'case when ' ~ test ~ ' then ' ~ value ~ ' end') }}
{%- endmacro %}

{#- Expression: the weekday of what a clock shows, 0 for a Monday, as the first day of 1900 was. -#}
{% macro _weekday_of(clock) -%}
    {{ return('mod(' ~ headwater.days_between(headwater.timestamp_literal('1900-01-01'), clock) ~ ', 7)') }}
{%- endmacro %}

{#- Expression: `when: {weekday: [saturday, sunday], hour: {between: [18, 23]}}`, also day and month, by the clock of the definition's zone. -#}
{% macro event_clock(context, column, when, path) -%}
    {%- if when is not mapping or not when -%}
        {%- do headwater.note_problem(context, path, "wants {weekday: [saturday, sunday], hour: {between: [18, 23]}}, also day: and month:") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, when, headwater.definition_keys('when'), path) -%}
    {%- set clock = headwater._clock_of(context, column) -%}
    {%- set weekdays = {'monday': 0, 'tuesday': 1, 'wednesday': 2, 'thursday': 3, 'friday': 4, 'saturday': 5, 'sunday': 6} -%}
    {%- set parts = [] -%}
    {%- for unit, value in when.items() if unit in ['weekday', 'hour', 'day', 'month'] -%}
        {%- if unit == 'weekday' -%}
            {%- set numbers = [] -%}
            {%- for name in ([value] if value is string else value if value is iterable and value is not mapping else [value]) -%}
                {%- if name not in weekdays -%}
                    {%- do headwater.note_problem(context, path ~ '.weekday', "'" ~ name ~ "' is not one of " ~ weekdays | join(', ') ~ headwater.nearest(name, weekdays)) -%}
                {%- else -%}
                    {%- do numbers.append(weekdays[name]) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- do parts.append('coalesce(' ~ headwater._weekday_of(clock) ~ ' in ('
                ~ (numbers | join(', ') or 'null') ~ '), false)') -%}
        {%- else -%}
            {%- set operators = value if value is mapping else {'in': value} if value is iterable and value is not string else {'equals': value} -%}
            {%- set low, high = {'hour': (0, 23), 'day': (1, 31), 'month': (1, 12)}[unit] -%}
            {%- do headwater._note_outside(context, operators, low, high, path ~ '.' ~ unit) -%}
            {%- do parts.append(headwater.comparison(context, 'extract(' ~ unit ~ ' from ' ~ clock ~ ')', 'number', operators, path ~ '.' ~ unit)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts | join(' and ') or 'false') }}
{%- endmacro %}
