{#- Expression, boolean and never null: events came one after the other: `sequence: [{did: a, where, within}, {did: b, within: 30 days}, {did_not: c,
    within: 2 hours}]`. The window of the first is counted back from now, that of a later one from the one before it. A `did_not` with a window
    is met when that has passed without the event, or is passing where it says `so_far: true`; without one, when nothing came before the next.
    As the first step it looks back from the second. `same: order_id` is a property that all share; `at_least: 2` times. -#}
{% macro sequence_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, headwater.definition_keys('sequence'), path) -%}
    {%- set steps = condition['sequence'] -%}
    {%- set least = condition.get('at_least', 1) -%}
    {%- if least is boolean or least is not integer or least < 1 -%}
        {%- do headwater.note_problem(context, path ~ '.at_least', "wants a whole number, 1 or more") -%}
    {%- endif -%}
    {%- if steps is string or steps is mapping or steps is not iterable or steps | length < 2 -%}
        {%- do headwater.note_problem(context, path, "wants a list of two steps or more, [{did: an event}, {did: an event, within: 7 days}, {did_not: an event, within: 2 days}]") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for step in steps -%}
        {%- do found.append(headwater._sequence_step(context, step, condition.get('same'), path ~ '[' ~ loop.index ~ ']', loop.index)) -%}
    {%- endfor -%}
    {%- if not found | select | list -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set known = found | select | list -%}
    {%- set positive = known | rejectattr('is_not') | list -%}
    {%- if known | length < steps | length or not positive -%}
        {%- if not positive -%}
            {%- do headwater.note_problem(context, path, "wants one step with did: at least") -%}
        {%- endif -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_impossible_sequence(context, known, path) -%}
    {%- set joins = [] -%}
    {%- set wheres = [] -%}
    {%- set at = namespace(before=none) -%}
    {%- for step in known -%}
        {%- set alias = 'step_' ~ loop.index -%}
        {%- set path = path ~ '[' ~ loop.index ~ ']' -%}
        {%- if not step.is_not -%}
            {%- set rows = headwater._sequence_rows(context, step, path, is_first=at.before is none) -%}
            {%- if at.before is none -%}
                {%- do joins.append(rows ~ ' as ' ~ alias) -%}
            {%- else -%}
                {%- do joins.append('inner join ' ~ rows ~ ' as ' ~ alias ~ ' on ' ~ headwater._sequence_follows(context, at.before, alias, step, condition.get('same'), path)) -%}
            {%- endif -%}
            {%- set at.before = {'alias': alias, 'time': step.event.time, 'key': step.event.key} -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set at.before = none -%}
    {%- for step in known -%}
        {%- set alias, number = 'step_' ~ loop.index, loop.index -%}
        {%- set path = path ~ '[' ~ number ~ ']' -%}
        {%- if step.is_not -%}
            {%- set later = namespace(step=none) -%}
            {%- for other in positive if other.number > number and later.step is none -%}
                {%- set later.step = {'alias': 'step_' ~ other.number, 'time': other.event.time} -%}
            {%- endfor -%}
            {%- if at.before is none -%}
                {%- set bounds = headwater._sequence_looks_back(context, later.step, alias, step, path) -%}
            {%- else -%}
                {%- set bounds = headwater._sequence_stays_away(context, at.before, later.step, alias, step, wheres, path) -%}
            {%- endif -%}
            {%- set near = at.before or later.step -%}
            {%- do joins.append('left join ' ~ headwater._sequence_rows(context, step, path) ~ ' as ' ~ alias ~ ' on '
                ~ ([alias ~ '.entity_key = ' ~ near.alias ~ '.entity_key'] + ([alias ~ '.' ~ condition['same'] ~ ' = ' ~ near.alias ~ '.' ~ condition['same']] if condition.get('same') else []) + bounds) | join(' and ')) -%}
            {%- do wheres.append(alias ~ '.entity_key is null') -%}
        {%- else -%}
            {%- set at.before = {'alias': alias, 'time': step.event.time} -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set first = 'step_' ~ positive[0].number -%}
    {{ return(headwater.in_keys(
        positive[0].reach.candidate, first ~ '.entity_key', joins | join(' ') ~ ' where ' ~ (wheres or ['true']) | join(' and '),
        'count(distinct ' ~ first ~ '.' ~ positive[0].event.key ~ ') >= ' ~ least if least != 1 else ''
    )) }}
{%- endmacro %}

{#- Value: {is_not, event, reach, told, number} of a step; none where it is wrong, which is noted. -#}
{% macro _sequence_step(context, step, same, path, number) -%}
    {%- set kinds = step | select('in', ['did', 'did_not']) | list if step is mapping else [] -%}
    {%- if kinds | length != 1 -%}
        {%- do headwater.note_problem(context, path, "wants {did: an event} or {did_not: an event}, with within: and where:") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set is_not = kinds[0] == 'did_not' -%}
    {%- do headwater.note_unknown_keys(context, step, headwater.definition_keys('sequence_' ~ kinds[0]), path) -%}
    {%- if 'nth' in step and (step['nth'] is boolean or step['nth'] is not integer or step['nth'] < 1) -%}
        {%- do headwater.note_problem(context, path ~ '.nth', "wants a whole number, 1 for the first of all") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if step.get('so_far', true) is not boolean -%}
        {%- do headwater.note_problem(context, path ~ '.so_far', "wants true or false, without quotes") -%}
    {%- endif -%}
    {%- set event = headwater.declared_event(context, step[kinds[0]], path) -%}
    {%- set reach = headwater._event_reach(context, event, path) if event else none -%}
    {%- set reach = headwater._reach_of_traveller(context, event, reach) if reach else none -%}
    {%- if same and reach -%}
        {%- if same is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', same) or (event.properties is not none and same not in event.properties) -%}
            {%- do headwater.note_problem(context, path, "'" ~ same ~ "', which same: names, is no property of " ~ event.name ~ headwater.nearest(same, event.properties or [])) -%}
            {{ return(none) }}
        {%- endif -%}
    {%- endif -%}
    {{ return({'is_not': is_not, 'event': event, 'reach': reach, 'told': step, 'number': number} if reach else none) }}
{%- endmacro %}

{#- Relation-shaped: the events of a step, each with the key of the person or company. -#}
{% macro _sequence_rows(context, step, path, is_first=false) -%}
    {%- set told = step.told if is_first else headwater._rest(step.told, ['within']) -%}
    {%- set span = headwater._event_span(context, step.event, step.reach, headwater._picked(step.told, ['where']), path) -%}
    {#- What must not be may well have been before the entry. -#}
    {%- set span = {'joined': span.joined if context.get('is_many') else '', 'where': ''} if step.is_not else span -%}
    {%- if 'nth' in step.told -%}
        {%- set source = headwater.event_rows(context, step.event) ~ ' as events' ~ step.reach.joined ~ span.joined ~ ' where '
            ~ headwater._event_window(context, 'events', step.event, headwater._rest(told, ['within', 'between', 'during']), path) ~ span.where -%}
        {{ return('(select * from ' ~ headwater.placed_events(context, step.event, step.reach, source) ~ ' where events.event_place = ' ~ step.told['nth']
            ~ ' and ' ~ headwater._in_window('events.' ~ step.event.time, headwater.event_window(context, told, path)) ~ ')') }}
    {%- endif -%}
    {{ return('(select ' ~ step.reach.key ~ ' as entity_key, events.* from ' ~ headwater.event_rows(context, step.event) ~ ' as events' ~ step.reach.joined ~ span.joined
        ~ ' where ' ~ headwater._event_window(context, 'events', step.event, told, path) ~ span.where ~ ')') }}
{%- endmacro %}

{#- Expression: a step came after the one before it, in time. -#}
{% macro _sequence_follows(context, before, alias, step, same, path) -%}
    {%- set parts = [
        before.alias ~ '.entity_key = ' ~ alias ~ '.entity_key',
        alias ~ '.' ~ step.event.time ~ ' > ' ~ before.alias ~ '.' ~ before.time,
    ] -%}
    {%- if 'within' in step.told -%}
        {%- do parts.append(alias ~ '.' ~ step.event.time ~ ' <= ' ~ headwater._after(context, before.alias ~ '.' ~ before.time, step.told['within'], path)) -%}
    {%- endif -%}
    {%- if same -%}
        {%- do parts.append(alias ~ '.' ~ same ~ ' = ' ~ before.alias ~ '.' ~ same) -%}
    {%- endif -%}
    {{ return(parts | join(' and ')) }}
{%- endmacro %}

{#- Value: bounds of the events that must not be, after a step; that the time has passed is a condition of its own. -#}
{% macro _sequence_stays_away(context, before, later, alias, step, wheres, path) -%}
    {%- set time = alias ~ '.' ~ step.event.time -%}
    {%- set bounds = [time ~ ' > ' ~ before.alias ~ '.' ~ before.time] -%}
    {%- if 'within' in step.told -%}
        {%- set end = headwater._after(context, before.alias ~ '.' ~ before.time, step.told['within'], path) -%}
        {%- do bounds.append(time ~ ' <= ' ~ end) -%}
        {%- if not step.told.get('so_far') -%}
            {%- do wheres.append(end ~ ' <= ' ~ headwater.cdp_now()) -%}
        {%- endif -%}
    {%- elif later -%}
        {%- do bounds.append(time ~ ' < ' ~ later.alias ~ '.' ~ later.time) -%}
    {%- elif not step.told.get('so_far') -%}
        {%- do headwater.note_problem(context, path, "wants within: a duration, as nothing follows; or so_far: true, for never since") -%}
    {%- endif -%}
    {{ return(bounds) }}
{%- endmacro %}

{% macro _sequence_looks_back(context, later, alias, step, path) -%}
    {%- set time = alias ~ '.' ~ step.event.time -%}
    {%- set bounds = [time ~ ' < ' ~ later.alias ~ '.' ~ later.time] -%}
    {%- if 'within' in step.told -%}
        {%- do bounds.append(time ~ ' >= ' ~ headwater._after(context, later.alias ~ '.' ~ later.time, step.told['within'], path, '-')) -%}
    {%- endif -%}
    {{ return(bounds) }}
{%- endmacro %}

{#- Expression: a time and a duration, of which a mistake is only noted. -#}
{% macro _after(context, time, duration, path, sign='') -%}
    {%- set problem = headwater._duration_problem(duration, 1) -%}
    {%- if problem -%}
        {%- do headwater.note_problem(context, path ~ '.within', problem) -%}
        {{ return('null') }}
    {%- endif -%}
    {%- set length = headwater.audience_duration(duration, path) -%}
    {{ return(headwater.timestamp_add(time, sign ~ length.amount, length.unit)) }}
{%- endmacro %}
