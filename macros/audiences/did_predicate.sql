{#- Expression, boolean and never null: a person did an event of `vars: cdp_events` as often, as lately and in the way a condition says.
    Keys: did, at_least (1 unless told), at_most, exactly, within, where, sum or avg {property, operator: value}, first or last
    {operator: value}, then {did, within, where}. -#}
{% macro did_predicate(context, condition, path) -%}
    {%- do headwater._only(condition, ['did', 'at_least', 'at_most', 'exactly', 'within', 'where', 'sum', 'avg', 'first', 'last', 'then', 'since'], path) -%}
    {%- if context.entity != 'person' -%}
        {{ headwater.audience_error(path, "is for people; in an audience of accounts say contacts: {who: {did: ...}}") }}
    {%- endif -%}
    {%- set event = headwater.declared_event(condition['did'], path) -%}
    {%- set having, is_negated = headwater._having(event, condition, path) -%}
    {%- set span = headwater._event_span(context, event, condition, path) -%}
    {%- set joined = span.joined -%}
    {%- if condition.get('then') -%}
        {%- if 'sum' in condition or 'avg' in condition -%}
            {{ headwater.audience_error(path ~ '.then', "sum: and avg: cannot stand beside then:, which meets an event once per follower; put them into a condition of their own") }}
        {%- endif -%}
        {%- set joined = joined ~ headwater._sequence(event, condition['then'], path ~ '.then') -%}
    {%- endif -%}
    {{ return(
        'candidates.profile_id ' ~ ('not in' if is_negated else 'in') ~ ' (select events.profile_id from ' ~ ref(event.model)
        ~ ' as events' ~ joined ~ ' where ' ~ headwater._event_window('events', event, condition, path) ~ span.where
        ~ ' group by events.profile_id having ' ~ having ~ ')'
    ) }}
{%- endmacro %}

{#- Value: an event of `vars: cdp_events` by name; a wrong name stops the parse. -#}
{% macro declared_event(name, path) -%}
    {%- set events = var('cdp_events') -%}
    {%- set names = events | map(attribute='name') | list -%}
    {%- if name not in names -%}
        {{ headwater.audience_error(path, "there is no event '" ~ name ~ "'" ~ headwater.nearest(name, names) ~ " Events are " ~ names | join(', ')) }}
    {%- endif -%}
    {{ return(events | selectattr('name', 'equalto', name) | first) }}
{%- endmacro %}

{#- Pair: the having clause, and whether it says who must not be in the audience (nobody without an event has a group). -#}
{% macro _having(event, condition, path) -%}
    {%- set count = 'count(distinct events.' ~ event.key ~ ')' -%}
    {%- set parts = [] -%}
    {%- for key in ['at_least', 'at_most', 'exactly'] if key in condition -%}
        {%- if condition[key] is not integer or condition[key] < 0 -%}
            {{ headwater.audience_error(path ~ '.' ~ key, "wants a whole number, 0 or more") }}
        {%- endif -%}
    {%- endfor -%}
    {%- if 'at_most' in condition or condition.get('exactly') == 0 -%}
        {%- if condition | select('in', ['at_least', 'sum', 'avg', 'first', 'last', 'then']) | list -%}
            {{ headwater.audience_error(path, "at_most: and exactly: 0 stand alone; put the rest into a condition beside it") }}
        {%- endif -%}
        {{ return((count ~ ' > ' ~ condition.get('at_most', 0), true)) }}
    {%- endif -%}
    {%- if condition.get('exactly') -%}
        {%- do parts.append(count ~ ' = ' ~ condition['exactly']) -%}
    {%- endif -%}
    {%- if condition.get('at_least') == 0 -%}
        {{ headwater.audience_error(path ~ '.at_least', "0 is everybody; for nobody say exactly: 0") }}
    {%- endif -%}
    {%- if not condition.get('exactly') -%}
        {%- do parts.append(count ~ ' >= ' ~ condition.get('at_least', 1)) -%}
    {%- endif -%}
    {%- for key in ['sum', 'avg'] if key in condition -%}
        {%- set property = condition[key].get('property') -%}
        {%- if property not in event.properties -%}
            {{ headwater.audience_error(path ~ '.' ~ key, "property '" ~ property ~ "' is not one of " ~ event.properties | join(', ') ~ headwater.nearest(property, event.properties)) }}
        {%- endif -%}
        {%- do parts.append(headwater.comparison(key ~ '(events.' ~ property ~ ')', headwater._rest(condition[key], ['property']), path ~ '.' ~ key)) -%}
    {%- endfor -%}
    {%- for key in ['first', 'last'] if key in condition -%}
        {%- set function = 'min' if key == 'first' else 'max' -%}
        {%- do parts.append(headwater.comparison(function ~ '(events.' ~ event.time ~ ')', condition[key], path ~ '.' ~ key)) -%}
    {%- endfor -%}
    {{ return((parts | join(' and '), false)) }}
{%- endmacro %}

{#- Value: {joined, where}, what keeps a journey's condition to events after the entry, unless it says `since: ever`, and up to the end
    of a wait. `context.spans` is a relation with profile_id, since_at and, where `context.has_end`, until_at; audiences have none. -#}
{% macro _event_span(context, event, condition, path) -%}
    {%- set since = condition.get('since', 'entry') -%}
    {%- if 'since' in condition and not context.get('spans') -%}
        {{ headwater.audience_error(path ~ '.since', "is for the conditions of journeys, on the person; say within: here") }}
    {%- elif since not in ['entry', 'ever'] -%}
        {{ headwater.audience_error(path ~ '.since', "'" ~ since ~ "' is not one of entry, ever" ~ headwater.nearest(since, ['entry', 'ever'])) }}
    {%- elif not context.get('spans') -%}
        {{ return({'joined': '', 'where': ''}) }}
    {%- endif -%}
    {{ return({
        'joined': ' inner join ' ~ context.spans ~ ' as span on events.profile_id = span.profile_id',
        'where': (' and events.' ~ event.time ~ ' > span.since_at' if since == 'entry' else '')
            ~ (' and events.' ~ event.time ~ ' <= span.until_at' if context.get('has_end') else ''),
    }) }}
{%- endmacro %}

{% macro _event_window(alias, event, condition, path) -%}
    {%- set parts = [alias ~ '.' ~ event.time ~ ' <= ' ~ headwater.cdp_now()] -%}
    {%- if condition.get('within') -%}
        {%- do parts.append(alias ~ '.' ~ event.time ~ ' >= ' ~ headwater.audience_ago(condition['within'], path ~ '.within')) -%}
    {%- endif -%}
    {%- set where = headwater.where_clause(alias, condition.get('where') or {}, path ~ '.where', event.properties) -%}
    {{ return((parts + ([where] if where else [])) | join(' and ')) }}
{%- endmacro %}

{#- Join: the event that must follow, within its duration of the first. -#}
{% macro _sequence(event, following, path) -%}
    {%- do headwater._only(following, ['did', 'within', 'where'], path) -%}
    {%- set next_event = headwater.declared_event(following.get('did'), path) -%}
    {%- set duration = headwater.audience_duration(following.get('within', '3650 days'), path ~ '.within') -%}
    {%- set where = headwater.where_clause('following', following.get('where') or {}, path ~ '.where', next_event.properties) -%}
    {{ return(
        ' inner join ' ~ ref(next_event.model) ~ ' as following on events.profile_id = following.profile_id'
        ~ ' and following.' ~ next_event.time ~ ' > events.' ~ event.time
        ~ ' and following.' ~ next_event.time ~ ' <= ' ~ headwater.timestamp_add('events.' ~ event.time, duration.amount, duration.unit)
        ~ ' and following.' ~ next_event.time ~ ' <= ' ~ headwater.cdp_now() ~ (' and ' ~ where if where else '')
    ) }}
{%- endmacro %}
