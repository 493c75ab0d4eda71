{#- Relation-shaped query: one row per person (company, or what else audiences are of) with the traits that are asked of one event, everybody included who
    never did it: a count or sum is 0 for them, anything else null. What lies ahead of the build's clock is left out. docs/add-a-trait.md shows each.
    event: relation with the key, `occurred_at` and `event_id`. traits: {name: trait}, in the order of the columns. A trait is
    `count`, `first` or `last` (the instant), {sum, mean, min, max, distinct, most_frequent, first, last: column} (first and last are the column's value
    then; of equally frequent values the one that came last), {days_since: first or last}, {ratio: [name, name]} (null over 0), {quintile: name} (1 to 5
    among whoever did it, 5 the highest, equal values equal), {change: {sum: column}} (what the window came to over what the one before did; `within` is the window);
    with `within: 90 days` and `where: <SQL of the event's columns>` beside it. key: profile_id, account_id, or the key of one of `vars: cdp_entities`. by: a column
    of the event (product_line), whose values are rows of their own, where there was anything. at, id: the columns of rows that are no events (a policy's
    start and number); `at=none` of rows without a time, which have no windows, first or last. everybody: who has a row, where that is another relation than
    those of the key's entity. -#}
{% macro event_traits(event, traits, key='profile_id', by=none, at='occurred_at', id='event_id', everybody=none) -%}
    {%- set everybody = everybody or headwater._everybody_with(key) -%}
    {%- set keys = [key] + ([by] if by else []) -%}
    {%- set asked = headwater._event_traits_read(traits, keys, has_time=at is not none) -%}
    {%- set figures = asked | selectattr('kind', 'equalto', 'figure') | list -%}
    {%- set picks = asked | selectattr('kind', 'equalto', 'pick') | list %}
with

events as (

    select
        *
        {%- if at not in [none, 'occurred_at'] %},
        cast({{ at }} as {{ dbt.type_timestamp() }}) as occurred_at
        {%- endif %}
        {%- if id != 'event_id' %},
        cast({{ id }} as {{ dbt.type_string() }}) as event_id
        {%- endif %}

    from {{ event }}

    where
        {{ key }} is not null
        {%- if by %}
        and {{ by }} is not null
        {%- endif %}
        {%- if at is not none %}
        and {{ 'occurred_at' if at == 'occurred_at' else 'cast(' ~ at ~ ' as ' ~ dbt.type_timestamp() ~ ')' }} <= {{ headwater.cdp_now() }}
        {%- endif %}

),

everybody as (

    select distinct {{ keys | join(', ') }}

    from {{ 'events' if by else everybody }}

),

figures as (

    select
        {%- for one in keys %}
        {{ one }},
        {%- endfor %}
        {%- for trait in figures %}
        {{ trait.sql }} as {{ trait.name }},
        {%- endfor %}
        count(*) as events_counted

    from events

    group by {{ keys | join(', ') }}

),
{%- for trait in picks %}

{{ trait.name }}_values as (

    select
        {%- for one in keys %}
        {{ one }},
        {%- endfor %}
        {{ trait.column }} as picked,
        row_number() over (partition by {{ keys | join(', ') }} order by {{ trait.order }}) as nth

    from events

    where {{ trait.column }} is not null and ({{ trait.condition }})
    {%- if trait.function == 'most_frequent' %}

    group by {{ keys | join(', ') }}, {{ trait.column }}
    {%- endif %}

),
{%- endfor %}

joined as (

    select
        {%- for one in keys %}
        everybody.{{ one }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- for trait in figures %},
        {{ 'coalesce(figures.' ~ trait.name ~ ', 0) as ' ~ trait.name if trait.is_zero else 'figures.' ~ trait.name }}
        {%- endfor %}
        {%- for trait in picks %},
        {{ trait.name }}_values.picked as {{ trait.name }}
        {%- endfor %}

    from everybody

    left join figures on {% for one in keys %}{{ ' and ' if not loop.first }}everybody.{{ one }} = figures.{{ one }}{% endfor %}
    {%- for trait in picks %}

    left join {{ trait.name }}_values
        on {% for one in keys %}{{ ' and ' if not loop.first }}everybody.{{ one }} = {{ trait.name }}_values.{{ one }}{% endfor %}
        and {{ trait.name }}_values.nth = 1
    {%- endfor %}

)

select
    {{ keys | join(', ') }}
    {%- for trait in asked if not trait.is_hidden %},
    {{ trait.over ~ ' as ' ~ trait.name if trait.kind == 'over' else trait.name }}
    {%- endfor %}

from joined
{%- endmacro %}

{#- Value: a relation that has every person, company or other entity, by the key of it. -#}
{% macro _everybody_with(key) -%}
    {%- if key == 'profile_id' -%}
        {{ return(ref('headwater', 'profile_records')) }}
    {%- elif key == 'account_id' -%}
        {{ return(ref('headwater', 'account_records')) }}
    {%- endif -%}
    {%- set keys = [] -%}
    {%- for entity in headwater.audience_entities().values() -%}
        {%- do keys.append(entity.key) -%}
        {%- if entity.key == key -%}
            {{ return(headwater.model_ref(entity.model)) }}
        {%- endif -%}
    {%- endfor -%}
    {{ headwater._event_trait_error('', "key: '" ~ key ~ "' is the key of nothing, of " ~ keys | join(', ') ~ ' (vars: cdp_entities); say who has a row by everybody=ref(...)' ~ headwater.nearest(key | string, keys)) }}
{%- endmacro %}

{#- Value: the traits as {name, kind, ...}: `figure` is an aggregate of all of somebody's events, `pick` the column of one of them, `over` of other traits. -#}
{% macro _event_traits_read(traits, keys, has_time=true) -%}
    {%- if traits is not mapping or not traits -%}
        {{ headwater._event_trait_error('', 'wants {name: trait}') }}
    {%- endif -%}
    {%- set read = [] -%}
    {%- for name, told in traits.items() -%}
        {%- if name is not string or modules.re.fullmatch('[a-z][a-z0-9_]*', name) is none or name in keys -%}
            {{ headwater._event_trait_error(name, 'is no name of a column: small letters, digits and underscores') }}
        {%- endif -%}
        {%- do read.extend(headwater._event_trait_read(name, told, traits, keys[1:], has_time)) -%}
    {%- endfor -%}
    {{ return(read) }}
{%- endmacro %}

{% macro _event_trait_read(name, told, traits, by=[], has_time=true) -%}
    {%- set functions = ['count', 'sum', 'mean', 'min', 'max', 'distinct', 'most_frequent', 'first', 'last', 'days_since', 'ratio', 'quintile', 'change'] -%}
    {%- set trait = {told: true} if told is string else told -%}
    {%- if trait is not mapping -%}
        {{ headwater._event_trait_error(name, "wants a function, not '" ~ told ~ "'") }}
    {%- endif -%}
    {%- for word in trait if word not in functions + ['within', 'where'] -%}
        {{ headwater._event_trait_error(name, "'" ~ word ~ "' is not one of " ~ (functions + ['within', 'where']) | join(', ') ~ headwater.nearest(word, functions + ['within', 'where'])) }}
    {%- endfor -%}
    {%- set asked = trait | select('in', functions) | list -%}
    {%- if asked | length != 1 -%}
        {{ headwater._event_trait_error(name, 'wants one of ' ~ functions | join(', ')) }}
    {%- endif -%}
    {%- set function, what = asked[0], trait[asked[0]] -%}
    {%- if not has_time and (function in ['first', 'last', 'days_since', 'change'] or 'within' in trait) -%}
        {{ headwater._event_trait_error(name, 'wants a time: say by `at` which column has it') }}
    {%- endif -%}
    {%- if function in ['sum', 'mean', 'min', 'max', 'distinct', 'most_frequent'] and what is not string -%}
        {{ headwater._event_trait_error(name, 'wants {' ~ function ~ ': column}') }}
    {%- endif -%}
    {%- if function in ['ratio', 'quintile'] and ('within' in trait or 'where' in trait) -%}
        {{ headwater._event_trait_error(name, function ~ ' is of other traits, which say `within` and `where` themselves') }}
    {%- endif -%}
    {%- if function in ['ratio', 'quintile'] -%}
        {%- set others = what if what is sequence and what is not string else [what] -%}
        {%- for other in others if other not in traits or other == name or traits[other] is mapping and ('ratio' in traits[other] or 'quintile' in traits[other]) -%}
            {{ headwater._event_trait_error(name, function ~ ": '" ~ other ~ "' is no trait of events that stands beside it" ~ headwater.nearest(other, traits | list)) }}
        {%- endfor -%}
        {%- if others | length != (2 if function == 'ratio' else 1) -%}
            {{ headwater._event_trait_error(name, 'wants {ratio: [name, name]}') }}
        {%- endif -%}
        {%- set read = [] -%}
        {%- if function == 'ratio' -%}
            {%- set over = 'cast(' ~ others[0] ~ ' as ' ~ headwater.type_double() ~ ') / nullif(' ~ others[1] ~ ', 0)' -%}
        {%- else -%}
            {#- Who never did it has a count or a sum of 0 and no quintile: they would lift everybody else. A share of exactly a fifth is written a
                little above it by some warehouses. -#}
            {%- set of = traits[others[0]] if traits[others[0]] is mapping and 'change' not in traits[others[0]] else {} -%}
            {%- set did = name ~ '__did' -%}
            {%- set has_it = did ~ ' = 1 and ' ~ others[0] ~ ' is not null' -%}
            {%- do read.append({
                'name': did, 'kind': 'figure', 'is_hidden': true, 'is_zero': true,
                'sql': 'max(case when ' ~ headwater._event_trait_condition(others[0], of) ~ ' then 1 else 0 end)',
            }) -%}
            {%- set over = 'case when ' ~ has_it ~ ' then cast(ceil(5 * cume_dist() over (partition by ' ~ (by + ['']) | join(', ') ~ 'case when ' ~ has_it
                ~ ' then 1 else 0 end order by ' ~ others[0] ~ ') - 0.000001) as ' ~ dbt.type_int() ~ ') end' -%}
        {%- endif -%}
        {{ return(read + [{'name': name, 'kind': 'over', 'over': over}]) }}
    {%- endif -%}
    {%- if function == 'change' and not trait.get('within') -%}
        {{ headwater._event_trait_error(name, 'change wants its window, such as within: 30 days') }}
    {%- endif -%}
    {%- set condition = headwater._event_trait_condition(name, trait) -%}
    {%- if function == 'change' -%}
        {%- set inner = headwater._event_trait_read(name, what, {})[0] if what is mapping or what is string else {} -%}
        {%- if inner.get('function') not in ['count', 'sum', 'distinct'] or 'within' in (what if what is mapping else {}) or 'where' in (what if what is mapping else {}) -%}
            {{ headwater._event_trait_error(name, 'change is of count, {sum: column} or {distinct: column}; `within` and `where` stand beside it') }}
        {%- endif -%}
        {%- set before = headwater._event_trait_condition(name, trait, windows=2) -%}
        {%- set now, past = headwater._event_trait_figure(inner.function, inner.column, condition), headwater._event_trait_figure(inner.function, inner.column, before) -%}
        {{ return([{
            'name': name, 'kind': 'figure', 'function': function, 'is_zero': false,
            'sql': 'cast(coalesce(' ~ now ~ ', 0) as ' ~ headwater.type_double() ~ ') / nullif(' ~ past ~ ', 0)',
        }]) }}
    {%- endif -%}
    {%- if function in ['first', 'last'] and what is string or function == 'most_frequent' -%}
        {%- set order = {
            'first': 'occurred_at asc, event_id asc', 'last': 'occurred_at desc, event_id desc',
            'most_frequent': 'count(*) desc, ' ~ ('max(occurred_at) desc, ' if has_time) ~ what ~ ' asc',
        }[function] -%}
        {{ return([{'name': name, 'kind': 'pick', 'function': function, 'column': what, 'order': order, 'condition': condition}]) }}
    {%- endif -%}
    {%- if function == 'days_since' and what not in ['first', 'last'] -%}
        {{ headwater._event_trait_error(name, "wants {days_since: first} or last, not '" ~ what ~ "'") }}
    {%- endif -%}
    {%- set column = what if what is string else none -%}
    {{ return([{
        'name': name, 'kind': 'figure', 'function': function, 'column': column, 'is_zero': function in ['count', 'sum', 'distinct'],
        'sql': headwater._event_trait_figure(function, column, condition),
    }]) }}
{%- endmacro %}

{#- Expression: an aggregate over somebody's events where the condition holds. -#}
{% macro _event_trait_figure(function, column, condition) -%}
    {%- set of = {
        'count': '1', 'first': 'occurred_at', 'last': 'occurred_at', 'days_since': 'occurred_at',
    }.get(function, column) -%}
    {%- set chosen = 'case when ' ~ condition ~ ' then ' ~ of ~ ' end' -%}
    {%- if function == 'days_since' -%}
        {{ return(headwater.days_between(('min' if column == 'first' else 'max') ~ '(' ~ chosen ~ ')', headwater.cdp_now())) }}
    {%- elif function == 'mean' -%}
        {{ return('avg(cast(' ~ chosen ~ ' as ' ~ headwater.type_double() ~ '))') }}
    {%- elif function == 'distinct' -%}
        {{ return('count(distinct ' ~ chosen ~ ')') }}
    {%- endif -%}
    {{ return({'count': 'count', 'sum': 'sum', 'min': 'min', 'max': 'max', 'first': 'min', 'last': 'max'}[function] ~ '(' ~ chosen ~ ')') }}
{%- endmacro %}

{#- Expression: whether an event is one that the trait asks for; `windows` 2 is the window before. A window ends now and holds its end. -#}
{% macro _event_trait_condition(name, trait, windows=1) -%}
    {%- set parts = [] -%}
    {%- if 'within' in trait -%}
        {%- set problem = headwater._duration_problem(trait['within'], 1) -%}
        {%- if problem -%}
            {{ headwater._event_trait_error(name, problem) }}
        {%- endif -%}
        {%- set minutes = headwater.minutes_of(trait['within']) -%}
        {%- do parts.append('occurred_at > ' ~ headwater.timestamp_add(headwater.cdp_now(), -minutes * windows, 'minute')) -%}
        {%- if windows > 1 -%}
            {%- do parts.append('occurred_at <= ' ~ headwater.timestamp_add(headwater.cdp_now(), -minutes, 'minute')) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if 'where' in trait -%}
        {%- if trait['where'] is not string or not trait['where'] | trim -%}
            {{ headwater._event_trait_error(name, 'where wants SQL of the columns of the event') }}
        {%- endif -%}
        {%- do parts.append('(' ~ trait['where'] ~ ')') -%}
    {%- endif -%}
    {{ return(parts | join(' and ') or '1 = 1') }}
{%- endmacro %}

{% macro _event_trait_error(name, message) -%}
    {{ exceptions.raise_compiler_error((model.name if model is defined and model else 'event_traits') ~ ', event_traits' ~ (': ' ~ name if name else '') ~ ': ' ~ message ~ '. docs/add-a-trait.md has an example of each.') }}
{%- endmacro %}
