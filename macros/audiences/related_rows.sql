{#- Expression: people who are contacts of a company that meets a condition, or of so many; `where: {role: [decision_maker]}` says as what. -#}
{% macro _account(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, headwater.definition_keys('account'), path) -%}
    {%- if context.entity != 'person' -%}
        {%- do headwater.note_problem(context, path, "is for audiences of people; in an audience of accounts say trait:") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set inner = headwater.audience_context('account', context) -%}
    {%- set having, is_negated = headwater._having(context, {'counted': 'distinct account_contacts.account_id'}, headwater._rest(condition, ['account', 'where']), path) -%}
    {%- set predicate = headwater._predicate(inner, condition['account'], path) -%}
    {{ return(headwater.in_keys(
        'candidates.profile_id', 'account_contacts.profile_id',
        headwater._contacts_and(inner) ~ ' where ' ~ predicate ~ headwater._contact_where(context, condition, path), having, is_negated
    )) }}
{%- endmacro %}

{#- Expression: companies with as many contacts who meet a condition: at_least, at_most, exactly or `every: true`, which wants one at least. -#}
{% macro _contacts(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['contacts'], path) -%}
    {%- set wanted = condition['contacts'] -%}
    {%- if context.entity != 'account' or wanted is not mapping or not wanted | select('in', ['who', 'where', 'share']) | list -%}
        {%- do headwater.note_problem(context, path, "wants {at_least: a number, who: a condition on people}, in an audience of accounts") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, wanted, headwater.definition_keys('contacts_what'), path) -%}
    {%- if wanted.get('at_least') == 0 -%}
        {%- do headwater.note_problem(context, path ~ '.at_least', "wants a whole number, 1 or more; for no contact say exactly: 0") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set having, is_negated = headwater._having(context, {'counted': 'distinct account_contacts.profile_id'}, headwater._rest(wanted, ['who', 'where', 'every', 'share']), path) -%}
    {%- set inner = headwater.audience_context('person', context) -%}
    {%- set predicate = headwater._predicate(inner, wanted['who'], path ~ '.who') if 'who' in wanted else 'true' -%}
    {%- set contacts = headwater._contacts_and(inner) -%}
    {%- set as_what = headwater._contact_where(context, wanted, path) -%}
    {%- set met = headwater.in_keys('candidates.account_id', 'account_contacts.account_id', contacts ~ ' where ' ~ predicate ~ as_what, having, is_negated) -%}
    {%- if 'share' in wanted -%}
        {%- if 'who' not in wanted or is_negated or wanted['share'] is not mapping -%}
            {%- do headwater.note_problem(context, path ~ '.share', "wants a comparison with 0 to 1, such as {'>=': 0.5}, with who: and without at_most: or exactly: 0") -%}
        {%- endif -%}
        {%- do headwater._note_outside(context, wanted['share'] if wanted['share'] is mapping else {}, 0, 1, path ~ '.share') -%}
        {%- set every_contact = headwater.model_ref('account_contacts', context) ~ ' as account_contacts' ~ headwater._met_of_contacts(inner, predicate) -%}
        {{ return('(' ~ met ~ ' and ' ~ headwater.in_keys(
            'candidates.account_id', 'account_contacts.account_id', every_contact ~ ' where account_contacts.profile_id is not null' ~ as_what,
            headwater.comparison(context, 'count(distinct met.profile_id) * 1.0 / count(distinct account_contacts.profile_id)', 'number', wanted['share'], path ~ '.share')
        ) ~ ')') }}
    {%- endif -%}
    {%- if 'every' not in wanted -%}
        {{ return(met) }}
    {%- elif wanted['every'] is not true or 'who' not in wanted or is_negated -%}
        {%- do headwater.note_problem(context, path ~ '.every', "wants true, with who: and without at_most: or exactly: 0") -%}
    {%- endif -%}
    {{ return('(' ~ met ~ ' and ' ~ headwater.in_keys(
        'candidates.account_id', 'account_contacts.account_id', contacts ~ ' where not ' ~ predicate ~ as_what, negated=true
    ) ~ ')') }}
{%- endmacro %}

{% macro _met_of_contacts(inner, predicate) -%}
    {{ return(' left join (select ' ~ inner.candidate_key ~ ' from ' ~ headwater.candidates_of(inner) ~ ' where ' ~ predicate ~ ') as met on account_contacts.profile_id = met.profile_id') }}
{%- endmacro %}

{% macro _contacts_and(inner) -%}
    {{ return(headwater.model_ref('account_contacts', inner) ~ ' as account_contacts inner join ' ~ headwater.candidates_of(inner)
        ~ ' on account_contacts.' ~ inner.key ~ ' = ' ~ inner.candidate_key) }}
{%- endmacro %}

{% macro _contact_where(context, wanted, path) -%}
    {{ return((' and ' ~ headwater.where_clause(context, 'account_contacts', 'account_contacts', wanted['where'], path ~ '.where')) if 'where' in wanted else '') }}
{%- endmacro %}

{#- Expression: rows of any model with the key of the entity: `related: subscriptions` with where, at_least, at_most, exactly, count, sum, avg, min,
    max, share and, beside `at: a column of time`, within, between, during, when, first, last and nth. `vars: cdp_relations` gives a model another name. -#}
{% macro related_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, headwater.definition_keys('related'), path) -%}
    {%- for key in ['first', 'last', 'nth', 'favourite', 'after', 'before'] if key in condition and 'at' not in condition -%}
        {%- do headwater.note_problem(context, path ~ '.' ~ key, "wants at: the column that says when") -%}
        {{ return('false') }}
    {%- endfor -%}
    {%- set found = headwater.told_events(context, condition, path) -%}
    {%- if not found -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set event, reach, source = found.event, found.reach, found.source -%}
    {%- set having, is_negated = headwater._having(context, event, condition, path) -%}
    {%- set parts = [] -%}
    {%- if 'same' in condition -%}
        {%- do parts.append(headwater.same_value_predicate(context, event, reach, source, having, is_negated, condition, path)) -%}
    {%- else -%}
        {%- do parts.append(headwater.in_keys(reach.candidate, reach.key, source, having, is_negated)) -%}
    {%- endif -%}
    {%- for end in ['first', 'last'] if condition.get(end) is mapping and condition[end] | select('in', headwater._settings_of_ends()) | list -%}
        {%- do parts.append(headwater._of_ends(context, event, reach, source, end, condition[end], path ~ '.' ~ end)) -%}
    {%- endfor -%}
    {%- if 'nth' in condition -%}
        {%- do parts.append(headwater.nth_predicate(context, event, reach, source, condition['nth'], path ~ '.nth')) -%}
    {%- endif -%}
    {%- if 'favourite' in condition -%}
        {%- do parts.append(headwater.favourite_predicate(context, event, reach, source, condition['favourite'], path ~ '.favourite')) -%}
    {%- endif -%}
    {%- do headwater.note_scan(context, event, reach, found.rows, found.where, having, is_negated, condition, path) if parts | length == 1 and 'same' not in condition -%}
    {{ return(parts[0] if parts | length == 1 else '(' ~ parts | join(' and ') ~ ')') }}
{%- endmacro %}

{#- Value: related rows as an event is known, {name, model, key, time, entity, counted, properties}; none where they are nobody's, which is noted. -#}
{% macro related_event(context, condition, path) -%}
    {%- set name = condition['related'] -%}
    {%- set relations = headwater.setting('cdp_relations') -%}
    {%- set model_name = relations.get(name, name) if name is string else none -%}
    {%- if model_name is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', model_name) -%}
        {%- do headwater.note_problem(context, path, "wants the name of a model, or one of vars: cdp_relations, not '" ~ name ~ "'") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if headwater.is_absent(context, model_name, path) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set columns = headwater._columns_of(context, model_name) -%}
    {%- if context.entity == 'account' -%}
        {#- Whose rows they are is not known while dbt parses, when it reads refs. -#}
        {%- do headwater.model_ref('account_contacts', context) -%}
    {%- endif -%}
    {%- set is_of_other = columns.types and context.key not in columns.types and context.entity == 'account' and 'profile_id' in columns.types -%}
    {%- if columns.is_complete and context.key not in columns.types and not is_of_other -%}
        {%- do headwater.note_problem(context, path, model_name ~ " has no " ~ context.key ~ ", so nobody knows whose its rows are") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set windows = condition | select('in', ['within', 'between', 'during', 'when']) | list -%}
    {%- if 'at' in condition -%}
        {%- set type = headwater._column_type(context, model_name, condition['at'], path ~ '.at') -%}
        {%- if (type or 'time') != 'time' -%}
            {%- do headwater.note_problem(context, path ~ '.at', "'" ~ condition['at'] ~ "' is no time") -%}
        {%- endif -%}
    {%- elif windows -%}
        {%- do headwater.note_problem(context, path, windows | join(' and ') ~ " wants at: the column of " ~ model_name ~ " that says when") -%}
    {%- endif -%}
    {{ return({
        'name': name, 'model': model_name, 'time': condition.get('at'), 'entity': 'person' if is_of_other else context.entity, 'key': none,
        'counted': 'events.' ~ ('profile_id' if is_of_other else context.key),
        'properties': columns.types | list if columns.is_complete else none,
    }) }}
{%- endmacro %}

{#- Value: whose the rows of an entity are, by `of` of `vars: cdp_entities`: person or account; none where it says nothing. -#}
{% macro owner_of(entity) -%}
    {{ return(headwater.audience_entities().get(entity, {}).get('of')) }}
{%- endmacro %}

{#- Expression: people, or companies, to whom so many of another entity belong that meet a condition: `pet: {trait: species, equals: dog}`, one unless told. -#}
{% macro owned_predicate(context, kind, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, [kind, 'at_least', 'at_most', 'exactly'], path) -%}
    {%- set inner = headwater.audience_context(kind, context) -%}
    {%- set having, is_negated = headwater._having(context, {'counted': 'distinct ' ~ inner.candidate_key}, headwater._rest(condition, [kind]), path) -%}
    {%- do headwater.use_trait(inner, context.key, path) -%}
    {%- set predicate = headwater._predicate(inner, condition[kind], path) -%}
    {{ return(headwater.in_keys(context.candidate_key, 'candidates.' ~ context.key, headwater.candidates_of(inner)
        ~ ' where candidates.' ~ context.key ~ ' is not null and ' ~ predicate, having, is_negated)) }}
{%- endmacro %}

{#- Expression: rows that are part of one of another entity, `vars: cdp_entities`, which meets a condition: `household: {trait: size, ">=": 3}` of people whose
    profiles have a household_id, `person: {trait: country, equals: DE}` of pets that say whose they are, and the other way round
    `people: {at_least: 2, who: condition}` of households. -#}
{% macro part_of_predicate(context, kind, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, [kind], path) -%}
    {%- set key = headwater.audience_entities()[kind].key -%}
    {%- do headwater.use_trait(context, key, path) -%}
    {%- set inner = headwater.audience_context(kind, context) -%}
    {%- set predicate = headwater._predicate(inner, condition[kind], path) -%}
    {{ return('(candidates.' ~ key ~ ' is not null and ' ~ headwater.in_keys('candidates.' ~ key, inner.candidate_key, headwater.candidates_of(inner) ~ ' where ' ~ predicate) ~ ')') }}
{%- endmacro %}

{% macro people_of_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['people'], path) -%}
    {%- set wanted = condition['people'] -%}
    {%- if context.entity in ['person', 'account'] or wanted is not mapping or not wanted -%}
        {%- do headwater.note_problem(context, path, "wants {at_least: a number, who: a condition on people}, in an audience of what people are part of" ~ ("; of accounts say contacts:" if context.entity == 'account' else '')) -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, wanted, headwater.definition_keys('people_what'), path) -%}
    {%- set having, is_negated = headwater._having(context, {'counted': 'distinct candidates.profile_id'}, headwater._rest(wanted, ['who', 'every']), path) -%}
    {%- set inner = headwater.audience_context('person', context) -%}
    {%- do headwater.use_trait(inner, context.key, path) -%}
    {%- set predicate = headwater._predicate(inner, wanted['who'], path ~ '.who') if 'who' in wanted else 'true' -%}
    {%- set met = headwater.in_keys(context.candidate_key, 'candidates.' ~ context.key, headwater.candidates_of(inner) ~ ' where ' ~ predicate, having, is_negated) -%}
    {%- if 'every' not in wanted -%}
        {{ return(met) }}
    {%- elif wanted['every'] is not true or 'who' not in wanted or is_negated -%}
        {%- do headwater.note_problem(context, path ~ '.every', "wants true, with who: and without at_most: or exactly: 0") -%}
    {%- endif -%}
    {{ return('(' ~ met ~ ' and ' ~ headwater.in_keys(context.candidate_key, 'candidates.' ~ context.key, headwater.candidates_of(inner) ~ ' where not ' ~ predicate, negated=true) ~ ')') }}
{%- endmacro %}
