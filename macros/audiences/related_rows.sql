{#- Expression: people who are contacts of a company that meets a condition; `where: {role: [decision_maker]}` says as what. -#}
{% macro _account(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['account', 'where'], path) -%}
    {%- if context.entity != 'person' -%}
        {%- do headwater.note_problem(context, path, "is for audiences of people; in an audience of accounts say trait:") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set inner = headwater.audience_context('account', context) -%}
    {%- set predicate = headwater._predicate(inner, condition['account'], path) -%}
    {{ return(headwater.in_keys(
        'candidates.profile_id', 'account_contacts.profile_id',
        headwater._contacts_and(inner) ~ ' where ' ~ predicate ~ headwater._contact_where(context, condition, path)
    )) }}
{%- endmacro %}

{#- Expression: companies with as many contacts who meet a condition: at_least, at_most, exactly or `every: true`, which wants one at least. -#}
{% macro _contacts(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['contacts'], path) -%}
    {%- set wanted = condition['contacts'] -%}
    {%- if context.entity != 'account' or wanted is not mapping or not wanted | select('in', ['who', 'where']) | list -%}
        {%- do headwater.note_problem(context, path, "wants {at_least: a number, who: a condition on people}, in an audience of accounts") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, wanted, ['at_least', 'at_most', 'exactly', 'every', 'who', 'where'], path) -%}
    {%- if wanted.get('at_least') == 0 -%}
        {%- do headwater.note_problem(context, path ~ '.at_least', "wants a whole number, 1 or more; for no contact say exactly: 0") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set having, is_negated = headwater._having(context, {'counted': 'distinct account_contacts.profile_id'}, headwater._rest(wanted, ['who', 'where', 'every']), path) -%}
    {%- set inner = headwater.audience_context('person', context) -%}
    {%- set predicate = headwater._predicate(inner, wanted['who'], path ~ '.who') if 'who' in wanted else 'true' -%}
    {%- set contacts = headwater._contacts_and(inner) -%}
    {%- set as_what = headwater._contact_where(context, wanted, path) -%}
    {%- set met = headwater.in_keys('candidates.account_id', 'account_contacts.account_id', contacts ~ ' where ' ~ predicate ~ as_what, having, is_negated) -%}
    {%- if 'every' not in wanted -%}
        {{ return(met) }}
    {%- elif wanted['every'] is not true or 'who' not in wanted or is_negated -%}
        {%- do headwater.note_problem(context, path ~ '.every', "wants true, with who: and without at_most: or exactly: 0") -%}
    {%- endif -%}
    {{ return('(' ~ met ~ ' and ' ~ headwater.in_keys(
        'candidates.account_id', 'account_contacts.account_id', contacts ~ ' where not ' ~ predicate ~ as_what, negated=true
    ) ~ ')') }}
{%- endmacro %}

{% macro _contacts_and(inner) -%}
    {{ return(ref('account_contacts') ~ ' as account_contacts inner join ' ~ headwater.candidates_of(inner)
        ~ ' on account_contacts.' ~ inner.key ~ ' = ' ~ inner.candidate_key) }}
{%- endmacro %}

{% macro _contact_where(context, wanted, path) -%}
    {{ return((' and ' ~ headwater.where_clause(context, 'account_contacts', 'account_contacts', wanted['where'], path ~ '.where')) if 'where' in wanted else '') }}
{%- endmacro %}

{#- Expression: rows of any model with the key of the entity: `related: subscriptions` with where, at_least, at_most, exactly, count, sum, avg, min,
    max, share and, beside `at: a column of time`, within, between, during and when. `vars: cdp_relations` gives a model another name. -#}
{% macro related_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, [
        'related', 'at', 'at_least', 'at_most', 'exactly', 'within', 'between', 'during', 'when', 'where', 'count', 'sum', 'avg', 'min', 'max', 'share',
    ], path) -%}
    {%- set name = condition['related'] -%}
    {%- set relations = headwater.setting('cdp_relations') -%}
    {%- set model_name = relations.get(name, name) if name is string else none -%}
    {%- if model_name is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', model_name) -%}
        {%- do headwater.note_problem(context, path, "wants the name of a model, or one of vars: cdp_relations, not '" ~ name ~ "'") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set columns = headwater._columns_of(context, model_name) -%}
    {%- if context.entity == 'account' -%}
        {#- Whose rows they are is not known while dbt parses, when it reads refs. -#}
        {%- do ref('account_contacts') -%}
    {%- endif -%}
    {%- set is_of_other = columns.types and context.key not in columns.types and context.entity == 'account' and 'profile_id' in columns.types -%}
    {%- if columns.is_complete and context.key not in columns.types and not is_of_other -%}
        {%- do headwater.note_problem(context, path, model_name ~ " has no " ~ context.key ~ ", so nobody knows whose its rows are") -%}
        {{ return('false') }}
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
    {%- set event = {
        'name': name, 'model': model_name, 'time': condition.get('at'), 'entity': 'person' if is_of_other else context.entity, 'key': none,
        'counted': 'events.' ~ ('profile_id' if is_of_other else context.key),
        'properties': columns.types | list if columns.is_complete else none,
    } -%}
    {%- set reach = headwater._event_reach(context, event, path) -%}
    {%- set having, is_negated = headwater._having(context, event, condition, path) -%}
    {%- if 'at' in condition -%}
        {%- set where = headwater._event_window(context, 'events', event, condition, path) -%}
    {%- else -%}
        {%- set where = headwater._event_where(context, 'events', event, condition['where'], path ~ '.where') if 'where' in condition else 'true' -%}
    {%- endif -%}
    {{ return(headwater.in_keys(reach.candidate, reach.key, ref(model_name) ~ ' as events' ~ reach.joined ~ ' where ' ~ where, having, is_negated)) }}
{%- endmacro %}
