{#- Relation-shaped: the rows of an entity, under the name of its model, with the figures over events and related rows that conditions turned out to use. -#}
{% macro entity_rows(context) -%}
    {%- set name = context.model -%}
    {%- if not context.told -%}
        {{ return(headwater.model_ref(name, context) ~ ' as ' ~ name) }}
    {%- endif -%}
    {%- set columns, joins = [name ~ '.*'], [] -%}
    {%- for told in context.told -%}
        {%- set value = 'told_' ~ loop.index ~ '.told_value' -%}
        {%- do columns.append(('coalesce(' ~ value ~ ', 0)' if told.is_zero else value) ~ ' as told_' ~ loop.index) -%}
        {%- do joins.append(' left join ' ~ told.sql ~ ' as told_' ~ loop.index ~ ' on ' ~ name ~ '.' ~ context.key ~ ' = told_' ~ loop.index ~ '.entity_key') -%}
    {%- endfor -%}
    {{ return('(select ' ~ columns | join(', ') ~ ' from ' ~ headwater.model_ref(name, context) ~ ' as ' ~ name ~ joins | join ~ ') as ' ~ name) }}
{%- endmacro %}

{#- Expression: the column of `candidates` that holds a figure over the events or related rows of somebody: `figure: {did: order_placed, within: 90 days,
    sum: revenue_eur}`; count where it says none of distinct, sum, avg, min, max, first, last: a property, share: {where}, days_since: first or last,
    gap: mean, min or max (days from one event to the next). Without events count and sum are 0, the others absent. `first` and `last` are of the type of
    what they name (told_type): a property, or the time of the event itself. -#}
{% macro told_figure(context, figure, path) -%}
    {%- set functions = headwater.definition_keys('figure_functions') -%}
    {%- set kinds = figure | select('in', ['did', 'related']) | list if figure is mapping else [] -%}
    {%- set given = figure | select('in', functions) | list if figure is mapping else [] -%}
    {%- if kinds | length != 1 or given | length > 1 -%}
        {%- do headwater.note_problem(context, path, "wants {did: an event} or {related: a model}, and one of " ~ functions | join(', ') ~ "; without one it is how many") -%}
        {{ return('null') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, figure, [kinds[0]] + headwater.definition_keys('figure') | reject('in', ['did', 'related'] + (['at'] if kinds[0] == 'did' else [])) | list, path) -%}
    {%- set found = headwater.told_events(context, figure, path) -%}
    {%- if not found -%}
        {{ return('null') }}
    {%- endif -%}
    {%- set event, reach, source = found.event, found.reach, found.source -%}
    {%- set function = given[0] if given else 'count' -%}
    {%- set value = figure.get(function) -%}
    {%- set told = {'is_zero': function in ['count', 'distinct', 'sum'], 'type': 'number', 'is_date': false} -%}
    {%- set keyed = ' from ' ~ source ~ ' and ' ~ reach.key ~ ' is not null' -%}
    {%- if function in ['days_since', 'gap', 'first', 'last', 'hour'] and not event.time -%}
        {%- do headwater.note_problem(context, path ~ '.' ~ function, "wants at: the column that says when") -%}
        {{ return('null') }}
    {%- elif function in ['first', 'last'] -%}
        {%- if value != event.time -%}
            {%- do headwater._figure_value(context, event, function, value, path ~ '.' ~ function) -%}
        {%- endif -%}
        {%- set columns = headwater._columns_of(context, event.model) -%}
        {%- do told.update({'type': 'time' if value == event.time else columns.types.get(value), 'is_date': value in columns.dates}) -%}
        {%- set order = 'asc' if function == 'first' else 'desc' -%}
        {%- set sql = '(select placed.entity_key, placed.told_value from (select ' ~ reach.key ~ ' as entity_key, events.' ~ value ~ ' as told_value, row_number() over (partition by '
            ~ reach.key ~ ' order by events.' ~ event.time ~ ' ' ~ order ~ ', ' ~ headwater.tie_of(context, event, order) ~ ') as place' ~ keyed ~ ') as placed where placed.place = 1)' -%}
    {%- elif function == 'hour' -%}
        {%- if value != 'most_often' -%}
            {%- do headwater.note_problem(context, path ~ '.hour', "wants most_often: the hour of the day in which it was most often") -%}
        {%- endif -%}
        {%- set hour = 'extract(hour from ' ~ headwater._clock_of(context, 'events.' ~ event.time) ~ ')' -%}
        {%- set sql = '(select hours.entity_key, max(hours.told_value) as told_value from (select counted.entity_key, counted.told_value, row_number() over (partition by counted.entity_key'
            ~ ' order by counted.events_count desc, counted.told_value asc) as place from (select ' ~ reach.key ~ ' as entity_key, ' ~ hour ~ ' as told_value, count(*) as events_count' ~ keyed
            ~ ' group by 1, 2) as counted) as hours where hours.place = 1 group by 1)' -%}
    {%- elif function == 'gap' -%}
        {%- if value not in ['mean', 'min', 'max'] -%}
            {%- do headwater.note_problem(context, path ~ '.gap', "'" ~ value ~ "' is not one of mean, min, max") -%}
        {%- endif -%}
        {%- set sql = '(select gaps.entity_key, ' ~ {'mean': 'avg'}.get(value, value) ~ '(gaps.days) as told_value from (select ' ~ reach.key ~ ' as entity_key, '
            ~ headwater.seconds_between('lag(events.' ~ event.time ~ ') over (partition by ' ~ reach.key ~ ' order by events.' ~ event.time ~ ')', 'events.' ~ event.time)
            ~ ' / 86400.0 as days' ~ keyed ~ ') as gaps group by 1)' -%}
    {%- else -%}
        {%- if function == 'count' -%}
            {%- set sql = 'count(' ~ (event.counted or 'distinct events.' ~ event.key) ~ ')' -%}
        {%- elif function == 'distinct' -%}
            {%- set sql = 'count(distinct ' ~ headwater._figure_value(context, event, 'count', value, path ~ '.distinct') ~ ')' -%}
        {%- elif function == 'share' -%}
            {%- set sql = headwater.share_of_rows(context, event, value, path ~ '.share') -%}
        {%- elif function == 'days_since' -%}
            {%- if value not in ['first', 'last'] -%}
                {%- do headwater.note_problem(context, path ~ '.days_since', "'" ~ value ~ "' is not one of first, last") -%}
            {%- endif -%}
            {%- set sql = headwater.seconds_between(('min' if value == 'first' else 'max') ~ '(events.' ~ event.time ~ ')', headwater.cdp_now()) ~ ' / 86400.0' -%}
        {%- else -%}
            {%- set sql = function ~ '(' ~ headwater._figure_value(context, event, function, value, path ~ '.' ~ function) ~ ')' -%}
        {%- endif -%}
        {%- set sql = '(select ' ~ reach.key ~ ' as entity_key, ' ~ sql ~ ' as told_value' ~ keyed ~ ' group by 1)' -%}
    {%- endif -%}
    {%- do told.update({'sql': sql}) -%}
    {{ return(headwater._use_told(context, told)) }}
{%- endmacro %}

{#- Value: the type of a figure by the column that told_figure() gave: number, or that of the property whose first or last value it is; none where it is not known. -#}
{% macro told_type(context, column) -%}
    {%- set found = modules.re.fullmatch('candidates[.]told_([0-9]+)', column) -%}
    {{ return(context.told[found[1] | int - 1].type if found else none) }}
{%- endmacro %}

{#- Value: {event, reach, rows, where, source} of a condition over events or related rows, `source` being both; none where it is wrong, which is noted. -#}
{% macro told_events(context, condition, path) -%}
    {%- if 'did' in condition -%}
        {%- set event = headwater.declared_event(context, condition['did'], path) -%}
    {%- else -%}
        {%- set event = headwater.related_event(context, condition, path) -%}
    {%- endif -%}
    {%- set reach = headwater._event_reach(context, event, path) if event else none -%}
    {%- if not reach -%}
        {{ return(none) }}
    {%- endif -%}
    {%- do headwater.count_plainly(context, event) -%}
    {%- set beside = headwater.event_beside_trait(context, reach, event, condition, path) -%}
    {%- if event.time -%}
        {%- set where = headwater._event_window(context, 'events', event, condition, path) -%}
    {%- else -%}
        {%- set where = headwater._event_where(context, 'events', event, condition['where'], path ~ '.where') if 'where' in condition else 'true' -%}
    {%- endif -%}
    {%- set rows, where = headwater.event_rows(context, event) ~ ' as events' ~ reach.joined ~ beside.joined, where ~ beside.where -%}
    {{ return({'event': event, 'reach': reach, 'rows': rows, 'where': where, 'source': rows ~ ' where ' ~ where}) }}
{%- endmacro %}

{#- Expression: what decides between rows of one instant, so that the answer is the same each time: the key of an event, or all columns of other rows. -#}
{% macro tie_of(context, event, order) -%}
    {%- if event.key -%}
        {{ return('events.' ~ event.key ~ ' ' ~ order) }}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- for name, type in headwater._columns_of(context, event.model).types.items() if type and type != 'list' -%}
        {%- do columns.append('events.' ~ name ~ ' ' ~ order) -%}
    {%- endfor -%}
    {{ return(columns | sort | join(', ') or 'events.' ~ event.time) }}
{%- endmacro %}

{% macro _use_told(context, told) -%}
    {%- if told not in context.told -%}
        {%- do context.told.append(told) -%}
    {%- endif -%}
    {%- set at = namespace(number=0) -%}
    {%- for one in context.told -%}
        {%- if one == told -%}
            {%- set at.number = loop.index -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set name = 'told_' ~ at.number -%}
    {%- do context.traits.append(name) if name not in context.traits -%}
    {%- do context.dates.append(name) if told.is_date and name not in context.dates -%}
    {{ return('candidates.' ~ name) }}
{%- endmacro %}
