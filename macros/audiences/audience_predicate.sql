{#- Expression, boolean and never null: a condition of a definition over the rows of `candidates`.
    `context` comes from audience_context(); `path` is where the condition stands, for messages. -#}
{% macro audience_predicate(context, condition, path) -%}
    {%- set kinds = ['all', 'any', 'not', 'trait', 'did', 'member_of', 'account', 'contacts', 'product_line'] -%}
    {%- if condition is not mapping or not condition -%}
        {{ headwater.audience_error(path, "wants a condition, one of " ~ kinds | join(', ')) }}
    {%- endif -%}
    {%- set found = condition | select('in', kinds) | list -%}
    {%- if found | length != 1 -%}
        {%- set first = condition | first -%}
        {{ headwater.audience_error(path ~ ('.' if path) ~ (found | join('+') or first), "one condition is wanted here, of "
            ~ kinds | join(', ') ~ headwater.nearest(first, kinds) ~ (" Put several into all: or any:" if found | length > 1 else '')) }}
    {%- endif -%}
    {%- set kind = found[0] -%}
    {%- set path = path ~ ('.' if path) ~ kind -%}
    {%- if kind in ['all', 'any'] -%}
        {{ return(headwater._several(context, kind, condition, path)) }}
    {%- elif kind == 'not' -%}
        {%- do headwater._only(condition, ['not'], path) -%}
        {{ return('not ' ~ headwater.audience_predicate(context, condition['not'], path)) }}
    {%- elif kind == 'trait' -%}
        {%- do headwater.use_trait(context, condition['trait'], path) -%}
        {{ return(headwater.comparison('candidates.' ~ condition['trait'], headwater._rest(condition, ['trait']), path)) }}
    {%- elif kind == 'did' -%}
        {{ return(headwater.did_predicate(context, condition, path)) }}
    {%- elif kind == 'member_of' -%}
        {%- do headwater._only(condition, ['member_of'], path) -%}
        {{ return(context.candidate_key ~ ' in (select ' ~ context.key ~ ' from ' ~ ref(condition['member_of']) ~ ')') }}
    {%- elif kind == 'account' -%}
        {{ return(headwater._account(context, condition, path)) }}
    {%- elif kind == 'contacts' -%}
        {{ return(headwater._contacts(context, condition, path)) }}
    {%- endif -%}
    {{ return(headwater._product_line(context, condition, path)) }}
{%- endmacro %}

{% macro _several(context, kind, condition, path) -%}
    {%- do headwater._only(condition, [kind], path) -%}
    {%- set conditions = condition[kind] -%}
    {%- if conditions is mapping or conditions is string or conditions is not iterable or not conditions -%}
        {{ headwater.audience_error(path, "wants a list of conditions, each behind a dash") }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for one in conditions -%}
        {%- do parts.append(headwater.audience_predicate(context, one, path ~ '[' ~ loop.index ~ ']')) -%}
    {%- endfor -%}
    {{ return('(\n        ' ~ parts | join('\n        ' ~ ('and ' if kind == 'all' else 'or ')) ~ '\n    )') }}
{%- endmacro %}

{#- Nothing: notes that a trait is used; when the warehouse is at hand, stops for one the model does not declare. -#}
{% macro use_trait(context, trait, path) -%}
    {%- if headwater.knows_graph() -%}
        {%- set columns = headwater.entity_columns(context.entity) -%}
        {%- if trait not in columns -%}
            {{ headwater.audience_error(path, "'" ~ trait ~ "' is no column of " ~ context.model ~ headwater.nearest(trait, columns)
                ~ " It has " ~ columns | join(', ')) }}
        {%- endif -%}
    {%- endif -%}
    {%- if trait != context.key and trait not in context.traits -%}
        {%- do context.traits.append(trait) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _account(context, condition, path) -%}
    {%- do headwater._only(condition, ['account'], path) -%}
    {%- if context.entity != 'person' -%}
        {{ headwater.audience_error(path, "is for audiences of people; in an audience of accounts say trait:") }}
    {%- endif -%}
    {%- set inner = headwater.audience_context('account') -%}
    {%- set predicate = headwater.audience_predicate(inner, condition['account'], path) -%}
    {{ return(
        'candidates.profile_id in (select account_contacts.profile_id from ' ~ ref('account_contacts') ~ ' as account_contacts'
        ~ ' inner join ' ~ ref('accounts') ~ ' as candidates on account_contacts.account_id = candidates.account_id'
        ~ ' where ' ~ predicate ~ ')'
    ) }}
{%- endmacro %}

{% macro _contacts(context, condition, path) -%}
    {%- do headwater._only(condition, ['contacts'], path) -%}
    {%- set wanted = condition['contacts'] -%}
    {%- if context.entity != 'account' or wanted is not mapping or not wanted.get('who') -%}
        {{ headwater.audience_error(path, "wants {at_least: a number, who: a condition on people}, in an audience of accounts") }}
    {%- endif -%}
    {%- set inner = headwater.audience_context('person') -%}
    {%- set predicate = headwater.audience_predicate(inner, wanted['who'], path ~ '.who') -%}
    {{ return(
        'candidates.account_id in (select account_contacts.account_id from ' ~ ref('account_contacts') ~ ' as account_contacts'
        ~ ' inner join ' ~ ref('profiles') ~ ' as candidates on account_contacts.profile_id = candidates.profile_id'
        ~ ' where ' ~ predicate ~ ' group by account_contacts.account_id'
        ~ ' having count(distinct account_contacts.profile_id) >= ' ~ wanted.get('at_least', 1) | int ~ ')'
    ) }}
{%- endmacro %}

{% macro _product_line(context, condition, path) -%}
    {%- do headwater._only(condition, ['product_line', 'where'], path) -%}
    {%- if context.entity != 'person' -%}
        {{ headwater.audience_error(path, "is for audiences of people") }}
    {%- endif -%}
    {%- set lines = ref('profile_product_lines') -%}
    {%- set line = condition['product_line'] -%}
    {%- set where = headwater.where_clause('lines', condition.get('where') or {}, path ~ '.where') -%}
    {%- if line not in ['any', 'all'] -%}
        {%- set where = 'lines.product_line = ' ~ headwater.audience_literal(line, path) ~ (' and ' ~ where if where else '') -%}
    {%- endif -%}
    {{ return(
        'candidates.profile_id in (select lines.profile_id from ' ~ lines ~ ' as lines'
        ~ (' where ' ~ where if where else '')
        ~ ((' group by lines.profile_id having count(distinct lines.product_line) = (select count(distinct every.product_line) from '
            ~ lines ~ ' as every)') if line == 'all' else '') ~ ')'
    ) }}
{%- endmacro %}

{#- Expression: `where: {column: value | [values] | {operator: value}}` as comparisons joined by and; empty for none. -#}
{% macro where_clause(alias, where, path, allowed=none) -%}
    {%- if where is not mapping -%}
        {{ headwater.audience_error(path, "wants {property: value}, {property: [values]} or {property: {operator: value}}") }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for column, value in where.items() -%}
        {%- if allowed is not none and column not in allowed -%}
            {{ headwater.audience_error(path, "'" ~ column ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(column, allowed)) }}
        {%- endif -%}
        {%- if value is mapping -%}
            {%- set operators = value -%}
        {%- elif value is iterable and value is not string -%}
            {%- set operators = {'in': value} -%}
        {%- else -%}
            {%- set operators = {'equals': value} -%}
        {%- endif -%}
        {%- do parts.append(headwater.comparison(alias ~ '.' ~ column, operators, path ~ '.' ~ column)) -%}
    {%- endfor -%}
    {{ return(parts | join(' and ')) }}
{%- endmacro %}

{% macro _rest(condition, taken) -%}
    {%- set rest = {} -%}
    {%- for key, value in condition.items() if key not in taken -%}
        {%- do rest.update({key: value}) -%}
    {%- endfor -%}
    {{ return(rest) }}
{%- endmacro %}

{% macro _only(condition, allowed, path) -%}
    {%- for key in condition if key not in allowed -%}
        {{ headwater.audience_error(path, "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) }}
    {%- endfor -%}
{%- endmacro %}
