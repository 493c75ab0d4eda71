{#- Expression, boolean and never null: a person, or the contacts of a company together, did an event as often, as lately and in the way a
    condition says. Keys: did, at_least (1 unless told), at_most, exactly, within, between or during, in_each, when {weekday, hour}, where,
    count {distinct, operator: value}, sum, avg, min or max {property, operator: value}, share {where, operator: value}, first or last
    {operator: value, of, at_least, where, when}, then {did, within, where}. Mistakes are noted in `context.problems`. -#}
{% macro did_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, headwater.definition_keys('did'), path) -%}
    {%- set event = headwater.declared_event(context, condition['did'], path) -%}
    {%- set reach = headwater._event_reach(context, event, path) if event else none -%}
    {%- if not reach -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set reach = headwater._reach_of_traveller(context, event, reach) -%}
    {%- do headwater.count_plainly(context, event) if not context.get('spans') and 'then' not in condition -%}
    {%- set having, is_negated = headwater._having(context, event, condition, path) -%}
    {%- set span = headwater._event_span(context, event, reach, condition, path) -%}
    {%- set beside = headwater.event_beside_trait(context, reach, event, condition, path) -%}
    {%- set where = headwater._event_window(context, 'events', event, condition, path) ~ span.where ~ beside.where -%}
    {%- set source = headwater.event_rows(context, event) ~ ' as events' ~ reach.joined ~ span.joined ~ beside.joined -%}
    {%- set shapes = condition | select('in', ['in_each', 'same', 'in_any', 'then']) | list -%}
    {%- if shapes | length > 1 -%}
        {%- do headwater.note_problem(context, path, shapes | join(' and ') ~ " cannot stand in one condition; put each into one of its own") -%}
    {%- endif -%}
    {%- if 'then' in condition -%}
        {%- if condition | select('in', ['sum', 'avg', 'min', 'max', 'share', 'in_each']) | list -%}
            {%- do headwater.note_problem(context, path ~ '.then', "sum:, avg:, min:, max:, share: and in_each: cannot stand beside then:, which meets an event once per follower; put them into a condition of their own") -%}
        {%- endif -%}
        {%- set join, follows = headwater._sequence(context, event, condition['then'], path ~ '.then') -%}
        {%- set source = source ~ join -%}
        {%- set where = where ~ follows -%}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- if 'in_each' in condition -%}
        {%- do parts.append(headwater._in_each_period(context, event, reach, source ~ ' where ' ~ where, having, is_negated, condition, path)) -%}
    {%- elif 'same' in condition -%}
        {%- do parts.append(headwater.same_value_predicate(context, event, reach, source ~ ' where ' ~ where, having, is_negated, condition, path)) -%}
    {%- elif 'in_any' in condition -%}
        {%- do parts.append(headwater.in_any_predicate(context, event, reach, source ~ ' where ' ~ where, condition, path)) -%}
    {%- else -%}
        {%- do parts.append(headwater.in_keys(reach.candidate, reach.key, source ~ ' where ' ~ where, having, is_negated)) -%}
    {%- endif -%}
    {%- if 'in_a_row' in condition -%}
        {%- do parts.append(headwater.in_a_row_predicate(context, event, reach, source ~ ' where ' ~ where, condition['in_a_row'], path ~ '.in_a_row')) -%}
    {%- endif -%}
    {%- if 'nth' in condition -%}
        {%- do parts.append(headwater.nth_predicate(context, event, reach, source ~ ' where ' ~ where, condition['nth'], path ~ '.nth')) -%}
    {%- endif -%}
    {%- if 'favourite' in condition -%}
        {%- do parts.append(headwater.favourite_predicate(context, event, reach, source ~ ' where ' ~ where, condition['favourite'], path ~ '.favourite')) -%}
    {%- endif -%}
    {%- for end in ['first', 'last'] if condition.get(end) is mapping and condition[end] | select('in', headwater._settings_of_ends()) | list -%}
        {%- do parts.append(headwater._of_ends(context, event, reach, source ~ ' where ' ~ where, end, condition[end], path ~ '.' ~ end)) -%}
    {%- endfor -%}
    {%- do headwater.note_scan(context, event, reach, source, where, having, is_negated, condition, path) if parts | length == 1 and not shapes -%}
    {{ return(parts[0] if parts | length == 1 else '(' ~ parts | join(' and ') ~ ')') }}
{%- endmacro %}

{#- Nothing: events whose key is tested to be unique are counted as they come, where no join repeats them; to tell doubles apart takes three times as long. -#}
{% macro count_plainly(context, event) -%}
    {%- if event.key and headwater._tests_of(context, event.model, event.key, 'unique') -%}
        {%- do event.update({'counted': 'events.' ~ event.key}) -%}
    {%- endif -%}
{%- endmacro %}

{#- Value: {candidate, key, joined}: whose an event is. A company has the events of all its contacts, and its own. -#}
{% macro _event_reach(context, event, path) -%}
    {%- if context.entity == event.entity -%}
        {{ return({'candidate': context.candidate_key, 'key': 'events.' ~ context.key, 'joined': ''}) }}
    {%- elif context.entity == 'account' -%}
        {{ return({
            'candidate': context.candidate_key, 'key': 'contacts.account_id',
            'joined': ' inner join (select distinct account_id, profile_id from ' ~ headwater.model_ref('account_contacts', context) ~ ') as contacts on events.profile_id = contacts.profile_id',
        }) }}
    {%- endif -%}
    {%- do headwater.note_problem(context, path, ("is an event of companies; in an audience of people say account: {did: " ~ event.name ~ "}") if context.entity == 'person'
        else "is for people and companies; of " ~ context.entity ~ " say related: " ~ event.model ~ ", if that has a " ~ context.key) -%}
    {{ return(none) }}
{%- endmacro %}

{#- Value: the same in a journey that somebody may be inside several times: whose an event is depends on the entry that it came after. -#}
{% macro _reach_of_traveller(context, event, reach) -%}
    {%- if not context.get('spans') or not context.get('is_many') -%}
        {{ return(reach) }}
    {%- endif -%}
    {{ return({'candidate': 'candidates.traveller_id', 'key': 'span.traveller_id', 'joined': reach.joined, 'owner': reach.key}) }}
{%- endmacro %}

{#- Expression: what a condition says holds in each period of its window. -#}
{% macro _in_each_period(context, event, reach, from_and_where, having, is_negated, condition, path) -%}
    {%- set periods = headwater._periods(context, condition, 'events.' ~ event.time, path) -%}
    {%- set per_period = '(select ' ~ reach.key ~ ' as entity_key, ' ~ periods.sql ~ ' as period from ' ~ from_and_where ~ ' and ' ~ reach.key
        ~ ' is not null group by 1, 2 having ' ~ having ~ ') as periods' -%}
    {{ return(headwater.in_keys(
        reach.candidate, 'periods.entity_key', per_period ~ ' where true', '' if is_negated else 'count(*) = ' ~ periods.count, is_negated
    )) }}
{%- endmacro %}

{% macro _settings_of_ends() -%}
    {{ return(['of', 'at_least', 'where', 'when']) }}
{%- endmacro %}

{#- Expression: what the first or last events were: at least so many of so many, one of one unless told. -#}
{% macro _of_ends(context, event, reach, from_and_where, end, wanted, path) -%}
    {%- set of, least = wanted.get('of', 1), wanted.get('at_least', 1) -%}
    {%- if of is not integer or least is not integer or least < 1 or of < least -%}
        {%- do headwater.note_problem(context, path, "wants whole numbers, {of: 3, at_least: 2}, where at_least: is not more than of:") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- if 'where' not in wanted and 'when' not in wanted -%}
        {%- do headwater.note_problem(context, path, "wants where: or when:, what the events at that end are; for how many there are say at_least: beside did:") -%}
    {%- endif -%}
    {%- set order = 'asc' if end == 'first' else 'desc' -%}
    {%- set wheres = ['events.event_place <= ' ~ of] + headwater._what_an_event_is(context, event, wanted, path) -%}
    {{ return(headwater.in_keys(
        reach.candidate, 'events.entity_key',
        headwater.placed_events(context, event, reach, from_and_where, order) ~ ' where ' ~ wheres | join(' and '),
        'count(*) >= ' ~ least
    )) }}
{%- endmacro %}

{#- Value: the events that are more than their name says, a list of {name, model, key, time, entity, properties, parts}. -#}
{% macro spelt_out_events() -%}
    {%- set given = var('cdp_events', none) -%}
    {%- if given is none and headwater.demo_events is defined and headwater.has_demo() -%}
        {%- set given = headwater.demo_events() -%}
    {%- endif -%}
    {{ return(given or []) }}
{%- endmacro %}

{#- Value: an event by its name: the model `event_<name>`, with event_id, occurred_at and the person; its other columns are the
    properties, none where they are not known (while dbt parses, in unit tests). `vars: cdp_events` spells one out where it is another
    model or column, or has parts. None where there is no such event, which is noted. -#}
{% macro declared_event(context, name, path) -%}
    {%- set spelt_out = headwater.spelt_out_events() -%}
    {%- set spelt = spelt_out | selectattr('name', 'equalto', name) | first or {} -%}
    {%- if not spelt and (name is not string or not modules.re.fullmatch('[a-z][a-z0-9_]*', name)) -%}
        {%- do headwater.note_problem(context, path, "wants the name of an event, of small letters, digits and underscores, not '" ~ name ~ "'") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if not spelt and headwater.knows_graph() -%}
        {%- set names = spelt_out | map(attribute='name') | list -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name.startswith('event_') -%}
            {%- do names.append(node.name[6:]) -%}
        {%- endfor -%}
        {%- if name not in names -%}
            {%- do headwater.note_problem(context, path, "there is no event '" ~ name ~ "'" ~ (headwater.nearest(name, names) or '.') ~ " Events are " ~ names | unique | sort | join(', ')) -%}
            {{ return(none) }}
        {%- endif -%}
    {%- endif -%}
    {%- set model_name, key, time = spelt.get('model', 'event_' ~ name), spelt.get('key', 'event_id'), spelt.get('time', 'occurred_at') -%}
    {%- set where = 'vars: cdp_events, ' ~ name ~ ', ' -%}
    {%- if headwater.is_absent(context, model_name, where ~ 'model' if spelt else path) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- do headwater._column_type(context, model_name, key, where ~ 'key' if spelt else path) -%}
    {%- set columns = headwater._columns_of(context, model_name) -%}
    {%- set is_of_account = 'account_id' in columns.types and 'profile_id' not in columns.types -%}
    {%- set entity_key = 'account_id' if is_of_account else 'profile_id' -%}
    {%- do headwater._column_type(context, model_name, time, where ~ 'time' if spelt else path) -%}
    {%- do headwater._column_type(context, model_name, entity_key, where ~ entity_key if spelt else path) -%}
    {%- set known = columns.types | reject('in', [key, time, entity_key]) | list if columns.is_complete else none -%}
    {{ return({
        'name': name, 'model': model_name, 'key': key, 'time': time, 'entity': 'account' if is_of_account else 'person',
        'parts': spelt.get('parts'), 'properties': spelt.get('properties', known),
    }) }}
{%- endmacro %}

{#- Pair: the having clause, and whether it says who must not be in the audience (nobody without an event has a group). -#}
{% macro _having(context, event, condition, path) -%}
    {%- set counted = event.counted or 'distinct events.' ~ event.key -%}
    {%- set count = headwater._in_window_only(context, event, condition, path, 'count(' ~ ('distinct ' if counted.startswith('distinct ')), counted | replace('distinct ', '')) ~ ')' -%}
    {%- set parts = [] -%}
    {%- set given = condition | select('in', ['at_least', 'at_most', 'exactly']) | list -%}
    {%- for key in given if condition[key] is not integer or condition[key] < 0 -%}
        {%- do headwater.note_problem(context, path ~ '.' ~ key, "wants a whole number, 0 or more") -%}
        {{ return(('false', false)) }}
    {%- endfor -%}
    {%- if 'exactly' in condition and given | length > 1 -%}
        {%- do headwater.note_problem(context, path, "exactly: cannot stand beside " ~ given | reject('equalto', 'exactly') | join(', ') ~ "; say one of them") -%}
    {%- endif -%}
    {%- if condition.get('at_least') == 0 -%}
        {%- do headwater.note_problem(context, path ~ '.at_least', "0 is everybody; for nobody say exactly: 0") -%}
    {%- endif -%}
    {%- if 'at_most' in condition and condition.get('at_least', 0) > condition['at_most'] -%}
        {%- do headwater.note_problem(context, path, "nobody did it at least " ~ condition['at_least'] ~ " and at most " ~ condition['at_most'] ~ " times") -%}
    {%- endif -%}
    {%- if condition.get('exactly') == 0 or ('at_most' in condition and 'at_least' not in condition) -%}
        {%- if condition | select('in', ['count', 'sum', 'avg', 'min', 'max', 'share', 'first', 'last', 'then', 'in_a_row', 'nth', 'favourite']) | list -%}
            {%- do headwater.note_problem(context, path, "at_most: and exactly: 0 stand alone, as those who never did it meet them too; put the rest into a condition beside it, or add at_least:") -%}
        {%- endif -%}
        {{ return((count ~ ' > ' ~ condition.get('at_most', 0), true)) }}
    {%- endif -%}
    {%- if 'exactly' in condition -%}
        {%- do parts.append(count ~ ' = ' ~ condition['exactly']) -%}
    {%- elif 'at_least' in condition or not headwater._looks_before(condition) -%}
        {%- do parts.append(count ~ ' >= ' ~ condition.get('at_least', 1)) -%}
    {%- endif -%}
    {%- if 'at_most' in condition -%}
        {%- do parts.append(count ~ ' <= ' ~ condition['at_most']) -%}
    {%- endif -%}
    {%- if event.only is defined and headwater._looks_before(condition) -%}
        {%- do parts.append('count(' ~ headwater.of_its_rows(event, '1') ~ ') > 0') -%}
    {%- endif -%}
    {%- for key in ['count', 'sum', 'avg', 'min', 'max', 'share'] if key in condition -%}
        {%- do parts.append(headwater.event_figure(context, event, key, condition, path ~ '.' ~ key)) -%}
    {%- endfor -%}
    {%- do headwater.note_impossible_ends(context, condition, path) -%}
    {%- for key in ['first', 'last'] if key in condition -%}
        {%- set function = 'min' if key == 'first' else 'max' -%}
        {%- set operators = headwater._rest(condition[key], headwater._settings_of_ends()) if condition[key] is mapping else condition[key] -%}
        {%- if operators or not condition[key] -%}
            {%- do parts.append(headwater.comparison(context, function ~ '(' ~ headwater.of_its_rows(event, 'events.' ~ event.time) ~ ')', 'time', operators, path ~ '.' ~ key)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return((parts | join(' and '), false)) }}
{%- endmacro %}

{#- Value: {joined, where}, what keeps a journey's condition to events after the entry, unless it says `since: ever`, and up to the end
    of a wait. `context.spans` is a relation with the key of who goes through it, since_at and, where `context.has_end`, until_at; audiences have none. -#}
{% macro _event_span(context, event, reach, condition, path) -%}
    {%- set since = condition.get('since', 'entry') -%}
    {%- if 'since' in condition and not context.get('spans') -%}
        {%- do headwater.note_problem(context, path ~ '.since', "is for the conditions of journeys, on the person; say within: here") -%}
    {%- elif since not in ['entry', 'ever'] -%}
        {%- do headwater.note_problem(context, path ~ '.since', "'" ~ since ~ "' is not one of entry, ever" ~ headwater.nearest(since, ['entry', 'ever'])) -%}
    {%- endif -%}
    {%- if not context.get('spans') -%}
        {{ return({'joined': '', 'where': ''}) }}
    {%- endif -%}
    {{ return({
        'joined': ' inner join ' ~ context.spans ~ ' as span on ' ~ (reach.owner or reach.key) ~ ' = span.' ~ context.key
            ~ (' left join own_events as own_event on span.traveller_id = own_event.traveller_id' if headwater.asks_entry(context, condition) else ''),
        'where': (' and events.' ~ event.time ~ ' > span.since_at' if since == 'entry' else '')
            ~ (' and events.' ~ event.time ~ ' <= span.until_at' if context.get('has_end') else ''),
    }) }}
{%- endmacro %}

{#- Value: the event that an event is made of (order lines of an order), none for most. -#}
{% macro _part_event(context, event, path) -%}
    {{ return(headwater.declared_event(context, event['parts']['event'], 'vars: cdp_events, ' ~ event.name ~ ', parts') if event.parts else none) }}
{%- endmacro %}

{% macro _event_window(context, alias, event, condition, path) -%}
    {%- set window = headwater.event_window(context, condition, path) -%}
    {%- set parts = [headwater._in_window(alias ~ '.' ~ event.time, window, headwater._looks_before(condition))] -%}
    {%- if 'when' in condition -%}
        {%- do parts.append(headwater.event_clock(context, alias ~ '.' ~ event.time, condition['when'], path ~ '.when')) -%}
    {%- endif -%}
    {%- if 'where' in condition -%}
        {%- do parts.append(headwater._event_where(context, alias, event, condition['where'], path ~ '.where')) -%}
    {%- endif -%}
    {%- if 'with_parts' in condition or 'without_parts' in condition -%}
        {%- do parts.append(headwater.event_parts_predicate(context, alias, event, condition, path) or 'true') -%}
    {%- endif -%}
    {{ return(parts | join(' and ')) }}
{%- endmacro %}

{#- Expression: properties of an event compared; those of its parts are met by an event with one part that meets them all. -#}
{% macro _event_where(context, alias, event, where, path) -%}
    {%- set part_event = headwater._part_event(context, event, path) -%}
    {%- set of_parts = {} -%}
    {%- set of_event = {} -%}
    {%- if where is mapping -%}
        {%- for name, value in where.items() -%}
            {%- do (of_parts if part_event and name not in (event.properties or []) and (part_event.properties is none or name in part_event.properties) else of_event).update({name: value}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set wheres = [] -%}
    {%- if of_event or not of_parts -%}
        {%- set allowed = event.properties -%}
        {%- if allowed is not none and part_event -%}
            {%- set allowed = allowed + ((part_event.properties or []) | reject('in', allowed) | list) -%}
        {%- endif -%}
        {%- do wheres.append(headwater.where_clause(context, alias, event.model, of_event or where, path, allowed)) -%}
    {%- endif -%}
    {%- if of_parts -%}
        {%- set by = event['parts']['by'] -%}
        {%- do wheres.append(headwater.in_keys(
            alias ~ '.' ~ by, 'parts.' ~ by,
            headwater.model_ref(part_event.model, context) ~ ' as parts where ' ~ headwater.where_clause(context, 'parts', part_event.model, of_parts, path)
        )) -%}
    {%- endif -%}
    {{ return(wheres | join(' and ')) }}
{%- endmacro %}

{#- Pair: the join of the event that must follow, and what it must meet, within its duration of the first. -#}
{% macro _sequence(context, event, following, path) -%}
    {%- if following is not mapping or 'did' not in following -%}
        {%- do headwater.note_problem(context, path, "wants {did: an event, within: a duration, where: {...}}") -%}
        {{ return(('', '')) }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, following, headwater.definition_keys('then'), path) -%}
    {%- set next_event = headwater.declared_event(context, following['did'], path) -%}
    {%- set problem = headwater._duration_problem(following['within'], 1) if 'within' in following else '' -%}
    {%- if problem -%}
        {%- do headwater.note_problem(context, path ~ '.within', problem) -%}
    {%- endif -%}
    {%- if not next_event or problem -%}
        {{ return(('', '')) }}
    {%- endif -%}
    {%- set wheres = [
        'following.' ~ next_event.time ~ ' > events.' ~ event.time,
        headwater._event_window(context, 'following', next_event, headwater._rest(following, ['within']), path),
    ] -%}
    {%- if 'within' in following -%}
        {%- set duration = headwater.audience_duration(following['within'], path) -%}
        {%- do wheres.append('following.' ~ next_event.time ~ ' <= ' ~ headwater.timestamp_add('events.' ~ event.time, duration.amount, duration.unit)) -%}
    {%- endif -%}
    {{ return((
        ' inner join ' ~ headwater.event_rows(context, next_event) ~ ' as following on events.profile_id = following.profile_id',
        ' and ' ~ wheres | join(' and '),
    )) }}
{%- endmacro %}
