{#- Conditions on how events lie to each other: of one value, on one day, in a row, close together, the n-th, the most frequent, after a trait.
    `source` is the events of somebody with their window, `reach` whose they are (did_predicate). -#}

{#- Expression: what a condition says holds for the events that share one value of a property, or one day, week or month: `same: page`, `same: day`. -#}
{% macro same_value_predicate(context, event, reach, from_and_where, having, is_negated, condition, path) -%}
    {%- set value = headwater._figure_value(context, event, 'count', condition['same'], path ~ '.same') -%}
    {%- set per_value = '(select ' ~ reach.key ~ ' as entity_key, ' ~ value ~ ' as same_value from ' ~ from_and_where ~ ' and ' ~ reach.key
        ~ ' is not null and ' ~ value ~ ' is not null group by 1, 2 having ' ~ having ~ ') as alike' -%}
    {{ return(headwater.in_keys(reach.candidate, 'alike.entity_key', per_value ~ ' where true', '', is_negated)) }}
{%- endmacro %}

{#- Expression: events on so many days, weeks or months in a row: `in_a_row: {at_least: 3, of: day}`, at any time in the window. -#}
{% macro in_a_row_predicate(context, event, reach, from_and_where, wanted, path) -%}
    {%- set units = ['day', 'week', 'month'] -%}
    {%- if wanted is not mapping or wanted.get('at_least') is boolean or wanted.get('at_least') is not integer or wanted['at_least'] < 2 or wanted.get('of') not in units -%}
        {%- do headwater.note_problem(context, path, "wants {at_least: 3, of: day}, a whole number of 2 or more and one of day, week, month") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, wanted, headwater.definition_keys('in_a_row'), path) -%}
    {%- set clock = headwater._clock_of(context, 'events.' ~ event.time) -%}
    {%- set days = headwater.days_between(headwater.timestamp_literal('1900-01-01'), clock) -%}
    {%- set number = {
        'day': days, 'week': 'floor(' ~ days ~ ' / 7)', 'month': '(extract(year from ' ~ clock ~ ') * 12 + extract(month from ' ~ clock ~ '))',
    }[wanted['of']] -%}
    {%- set periods = '(select distinct ' ~ reach.key ~ ' as entity_key, ' ~ number ~ ' as period from ' ~ from_and_where ~ ' and ' ~ reach.key ~ ' is not null) as periods' -%}
    {%- set rows = '(select islands.entity_key, islands.island from (select periods.entity_key, periods.period - row_number() over (partition by periods.entity_key order by periods.period)'
        ~ ' as island from ' ~ periods ~ ') as islands group by 1, 2 having count(*) >= ' ~ wanted['at_least'] ~ ') as runs' -%}
    {{ return(headwater.in_keys(reach.candidate, 'runs.entity_key', rows ~ ' where true')) }}
{%- endmacro %}

{#- Expression: as many events as at_least: says lie within a duration of each other, whenever that was: `at_least: 3` with `in_any: 30 days`. -#}
{% macro in_any_predicate(context, event, reach, from_and_where, condition, path) -%}
    {%- set least = condition.get('at_least') -%}
    {%- set problem = headwater._duration_problem(condition['in_any'], 1) -%}
    {%- set beside = condition | select('in', ['count', 'sum', 'avg', 'min', 'max', 'share', 'first', 'last']) | list -%}
    {%- if beside -%}
        {%- do headwater.note_problem(context, path ~ '.in_any', beside | join(' and ') ~ " cannot stand beside it; put it into a condition of its own") -%}
    {%- endif -%}
    {%- if least is boolean or least is not integer or least < 2 or condition | select('in', ['at_most', 'exactly']) | list -%}
        {%- do headwater.note_problem(context, path ~ '.in_any', "wants at_least: 2 or more beside it, and neither at_most: nor exactly:") -%}
        {{ return('false') }}
    {%- elif problem -%}
        {%- do headwater.note_problem(context, path ~ '.in_any', problem) -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set length = headwater.audience_duration(condition['in_any'], path) -%}
    {%- set over = ' over (partition by ' ~ reach.key ~ ' order by events.' ~ event.time ~ ', events.' ~ event.key ~ ')' -%}
    {%- set rows = '(select ' ~ reach.key ~ ' as entity_key, events.' ~ event.time ~ ' as this_at, lag(events.' ~ event.time ~ ', ' ~ (least - 1) ~ ')' ~ over ~ ' as that_at from '
        ~ from_and_where ~ ') as close' -%}
    {{ return(headwater.in_keys(
        reach.candidate, 'close.entity_key', rows ~ ' where ' ~ headwater.timestamp_add('close.that_at', length.amount, length.unit) ~ ' >= close.this_at'
    )) }}
{%- endmacro %}

{#- Expression: what the n-th event was, or when: `nth: {number: 3, within: 90 days}`, `nth: {number: 2, where: {status: returned}}`. -#}
{% macro nth_predicate(context, event, reach, from_and_where, wanted, path) -%}
    {%- if wanted is not mapping or wanted.get('number') is boolean or wanted.get('number') is not integer or wanted['number'] < 1 or wanted | length < 2 -%}
        {%- do headwater.note_problem(context, path, "wants {number: 3}, and beside it where:, when: or when it was, such as within: 90 days") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set wheres = ['events.event_place = ' ~ wanted['number']] + headwater._what_an_event_is(context, event, wanted, path) -%}
    {%- set operators = headwater._rest(wanted, ['number', 'where', 'when']) -%}
    {%- if operators -%}
        {%- do wheres.append(headwater.comparison(context, 'events.' ~ event.time, 'time', operators, path)) -%}
    {%- endif -%}
    {{ return(headwater.in_keys(reach.candidate, 'events.entity_key', headwater.placed_events(context, event, reach, from_and_where) ~ ' where ' ~ wheres | join(' and '))) }}
{%- endmacro %}

{#- Value: conditions that the one of `events` meets: `where:` of its properties, `when:` of its clock. -#}
{% macro _what_an_event_is(context, event, wanted, path) -%}
    {%- set wheres = [] -%}
    {%- if 'where' in wanted -%}
        {%- do wheres.append(headwater._event_where(context, 'events', event, wanted['where'], path ~ '.where')) -%}
    {%- endif -%}
    {%- if 'when' in wanted -%}
        {%- do wheres.append(headwater.event_clock(context, 'events.' ~ event.time, wanted['when'], path ~ '.when')) -%}
    {%- endif -%}
    {{ return(wheres) }}
{%- endmacro %}

{#- Relation-shaped: events with entity_key and event_place, 1 for the first of each, as `events`. -#}
{% macro placed_events(context, event, reach, from_and_where, order='asc') -%}
    {{ return('(select ' ~ reach.key ~ ' as entity_key, row_number() over (partition by ' ~ reach.key ~ ' order by events.' ~ event.time ~ ' ' ~ order ~ ', ' ~ headwater.tie_of(context, event, order)
        ~ ') as event_place, events.* from ' ~ from_and_where ~ ') as events') }}
{%- endmacro %}

{#- Expression: the value that a property has most often, compared: `favourite: {property: product_line, equals: outdoor}`. Of two as frequent the one
    that was there last. -#}
{% macro favourite_predicate(context, event, reach, from_and_where, wanted, path) -%}
    {%- if wanted is not mapping or 'property' not in wanted or wanted | length < 2 -%}
        {%- do headwater.note_problem(context, path, "wants {property: product_line, equals: outdoor}, or another comparison") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set value = headwater._figure_value(context, event, 'count', wanted['property'], path) -%}
    {%- set type = headwater._column_type(context, event.model, wanted['property'], path) if value.startswith('events.') else 'number' -%}
    {%- set counted = '(select ' ~ reach.key ~ ' as entity_key, ' ~ value ~ ' as favourite, count(*) as events_count, max(events.' ~ event.time ~ ') as last_at from ' ~ from_and_where
        ~ ' and ' ~ value ~ ' is not null group by 1, 2) as counted' -%}
    {%- set ranked = '(select counted.entity_key, counted.favourite, row_number() over (partition by counted.entity_key order by counted.events_count desc, counted.last_at desc,'
        ~ ' counted.favourite asc) as place from ' ~ counted ~ ') as favourites' -%}
    {{ return(headwater.in_keys(
        reach.candidate, 'favourites.entity_key', ranked ~ ' where favourites.place = 1 and '
        ~ headwater.comparison(context, 'favourites.favourite', type, headwater._rest(wanted, ['property']), path)
    )) }}
{%- endmacro %}

{#- Value: {joined, where}: events after or before a time that the person or company has: `after: {trait: signed_up_at, within: 30 days}`. -#}
{% macro event_beside_trait(context, reach, event, condition, path) -%}
    {%- set joined, wheres = [], [] -%}
    {%- for key in ['after', 'before'] if key in condition -%}
        {%- set told, path = condition[key], path ~ '.' ~ key -%}
        {%- if told is not mapping or 'trait' not in told -%}
            {%- do headwater.note_problem(context, path, "wants {trait: a time of the " ~ context.entity ~ ", within: 30 days}") -%}
        {%- else -%}
            {%- do headwater.note_unknown_keys(context, told, headwater.definition_keys('beside_trait'), path) -%}
            {%- set type = headwater.use_trait(context, told['trait'], path) -%}
            {%- if type and type != 'time' -%}
                {%- do headwater.note_problem(context, path, "'" ~ told['trait'] ~ "' is no date or time") -%}
            {%- endif -%}
            {%- set own = headwater._instant('own_rows.' ~ told['trait']) -%}
            {%- set time = headwater._instant('events.' ~ event.time) -%}
            {%- do wheres.append(time ~ (' >= ' if key == 'after' else ' < ') ~ own) -%}
            {%- if 'within' in told -%}
                {%- set problem = headwater._duration_problem(told['within'], 1) -%}
                {%- if problem -%}
                    {%- do headwater.note_problem(context, path ~ '.within', problem) -%}
                {%- else -%}
                    {%- set length = headwater.audience_duration(told['within'], path) -%}
                    {%- do wheres.append(time ~ (' <= ' if key == 'after' else ' >= ') ~ headwater.timestamp_add(own, ('' if key == 'after' else '-') ~ length.amount, length.unit)) -%}
                {%- endif -%}
            {%- endif -%}
            {%- do joined.append(' inner join ' ~ headwater.model_ref(context.model, context) ~ ' as own_rows on ' ~ reach.key ~ ' = own_rows.' ~ context.key) if not joined -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'joined': joined | join, 'where': (' and ' ~ wheres | join(' and ')) if wheres else ''}) }}
{%- endmacro %}

{#- Expression: an event has a part for each of several conditions, or none that meets one: `with_parts: [{product_line: outdoor}, {product_line: home}]`,
    `without_parts: {product_line: sale}`. -#}
{% macro event_parts_predicate(context, alias, event, condition, path) -%}
    {%- set part_event = headwater._part_event(context, event, path) -%}
    {%- set wheres = [] -%}
    {%- for key in ['with_parts', 'without_parts'] if key in condition -%}
        {%- set told = [condition[key]] if condition[key] is mapping else condition[key] -%}
        {%- if not part_event or told is string or told is not iterable or not told -%}
            {%- do headwater.note_problem(context, path ~ '.' ~ key, "wants conditions on the parts of an event, such as {product_line: outdoor} or a list of them" if part_event
                else event.name ~ " has no parts; vars: cdp_events says which event has") -%}
        {%- else -%}
            {%- for one in told -%}
                {#- An event that names none of its parts has none. -#}
                {%- do wheres.append(('(' ~ alias ~ '.' ~ event['parts']['by'] ~ ' is null or ' if key == 'without_parts' else '') ~ headwater.in_keys(
                    alias ~ '.' ~ event['parts']['by'], 'parts.' ~ event['parts']['by'], headwater.model_ref(part_event.model, context) ~ ' as parts where '
                    ~ headwater.where_clause(context, 'parts', part_event.model, one, path ~ '.' ~ key ~ ('[' ~ loop.index ~ ']' if condition[key] is not mapping else ''), part_event.properties),
                    negated=key == 'without_parts'
                ) ~ (')' if key == 'without_parts' else '')) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(wheres | join(' and ')) }}
{%- endmacro %}
