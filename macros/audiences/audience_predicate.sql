{#- Expression, boolean: a condition of a journey over the rows of `candidates`, for every row with a key true or false and never null.
    `context` comes from audience_context(); `path` is where the condition stands, for messages. Mistakes are noted in `context.problems`. -#}
{% macro condition_predicate(context, condition, path) -%}
    {{ return(headwater.rule_expression(headwater.rule_tree(context, condition, path))) }}
{%- endmacro %}

{#- The same of a context that stands in another one, whose whole condition it is. -#}
{% macro _predicate(context, condition, path) -%}
    {%- set tree = headwater.rule_tree(context, condition, path) -%}
    {%- do headwater.share_scans(context) -%}
    {{ return(headwater.rule_expression(tree)) }}
{%- endmacro %}

{#- Expression: a key is among those of a query. `not in` and `in` of a list with a null in it are null for everybody else; so none is let in. -#}
{% macro in_keys(key, column, from_and_where, having='', negated=false) -%}
    {{ return(
        key ~ (' not in (' if negated else ' in (') ~ 'select ' ~ column ~ ' from ' ~ from_and_where
        ~ (' and ' if ' where ' in from_and_where else ' where ') ~ column ~ ' is not null'
        ~ (' group by ' ~ column ~ ' having ' ~ having if having) ~ ')'
    ) }}
{%- endmacro %}

{% macro _member_of(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, headwater.definition_keys('member_of'), path) -%}
    {%- set name = condition['member_of'] -%}
    {%- if name is not string or not modules.re.fullmatch('audience_[a-z0-9_]+', name) or name in ['audience_memberships', 'audience_holdouts'] -%}
        {%- do headwater.note_problem(context, path, "wants the name of one audience model, audience_..., not '" ~ name ~ "'") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- if headwater.is_absent(context, name, path) -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set problem = headwater.wrong_entity(name, context.entity) -%}
    {%- if problem -%}
        {%- do headwater.note_problem(context, path, problem) -%}
    {%- endif -%}
    {%- if condition | length > 1 -%}
        {{ return(headwater.stay_predicate(context, condition, path)) }}
    {%- endif -%}
    {{ return(headwater.in_keys(context.candidate_key, 'members.' ~ context.key, headwater.model_ref(name, context) ~ ' as members')) }}
{%- endmacro %}

{#- Value: the type of a trait (none where it is not known); notes that it is used, and a mistake where the model has no such column. -#}
{% macro use_trait(context, trait, path) -%}
    {%- if trait is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', trait) -%}
        {%- do headwater.note_problem(context, path, "wants the name of a column of " ~ context.model ~ ", not '" ~ trait ~ "'") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if trait != context.key and trait not in context.traits -%}
        {%- do context.traits.append(trait) -%}
    {%- endif -%}
    {{ return(headwater._column_type(context, context.model, trait, path)) }}
{%- endmacro %}

{#- Value: what is known of a model's columns, asked once per definition. -#}
{% macro _columns_of(context, model_name) -%}
    {%- if model_name not in context.columns -%}
        {%- do context.columns.update({model_name: headwater.model_columns(model_name)}) -%}
    {%- endif -%}
    {{ return(context.columns[model_name]) }}
{%- endmacro %}

{#- Value: the type of a column; notes a mistake where its model is known to have none of that name. -#}
{% macro _column_type(context, model_name, column, path) -%}
    {%- set columns = headwater._columns_of(context, model_name) -%}
    {%- if columns.is_complete and column not in columns.types -%}
        {%- do headwater.note_problem(context, path, "'" ~ column ~ "' is no column of " ~ model_name ~ (headwater.nearest(column, columns.types) or '.')
            ~ " It has " ~ columns.types | join(', ')) -%}
    {%- endif -%}
    {%- if column in columns.dates and column not in context.dates -%}
        {%- do context.dates.append(column) -%}
    {%- endif -%}
    {{ return(columns.types.get(column)) }}
{%- endmacro %}

{% macro _product_line(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, headwater.definition_keys('product_line'), path) -%}
    {%- if context.entity != 'person' -%}
        {%- do headwater.note_problem(context, path, "is for audiences of people") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set lines = headwater.model_ref('profile_product_lines', context) -%}
    {%- set line = condition['product_line'] -%}
    {%- set wheres = ['lines.product_line is not null'] -%}
    {%- if line not in ['any', 'all'] -%}
        {%- do headwater.note_unknown_values(context, 'profile_product_lines', 'product_line', {'equals': line}, path) if execute -%}
        {%- do wheres.append('lines.product_line = ' ~ headwater.audience_literal(context, line, 'text', path)) -%}
    {%- endif -%}
    {%- if 'where' in condition -%}
        {%- do wheres.append(headwater.where_clause(context, 'lines', 'profile_product_lines', condition['where'], path ~ '.where')) -%}
    {%- endif -%}
    {{ return(headwater.in_keys(
        'candidates.profile_id', 'lines.profile_id', lines ~ ' as lines where ' ~ wheres | join(' and '),
        having='count(distinct lines.product_line) = (select count(distinct every.product_line) from ' ~ lines ~ ' as every)' if line == 'all' else ''
    )) }}
{%- endmacro %}

{#- Expression: `where: {column: value | [values] | {operator: value}}` over columns of a model, as comparisons joined by and. -#}
{% macro where_clause(context, alias, model_name, where, path, allowed=none) -%}
    {%- if where is not mapping or not where -%}
        {%- do headwater.note_problem(context, path, "wants {property: value}, {property: [values]} or {property: {operator: value}}") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- if allowed is not none -%}
        {%- do headwater.note_unknown_keys(context, where, allowed, path) -%}
    {%- endif -%}
    {%- do context.models.update({alias: model_name}) -%}
    {%- set parts = [] -%}
    {%- for column in where if allowed is none and (column is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', column)) -%}
        {%- do headwater.note_problem(context, path, "'" ~ column ~ "' is no name of a property") -%}
        {{ return('false') }}
    {%- endfor -%}
    {%- for column, value in where.items() if allowed is none or column in allowed -%}
        {%- if value is mapping and value | list == ['entry'] -%}
            {%- set operators = {'equals': value} -%}
        {%- elif value is mapping -%}
            {%- set operators = value -%}
        {%- elif value is iterable and value is not string -%}
            {%- set operators = {'in': value} -%}
        {%- else -%}
            {%- set operators = {'equals': value} -%}
        {%- endif -%}
        {%- set type = headwater._column_type(context, model_name, column, path) -%}
        {%- if 'in_list' in operators -%}
            {#- Beside coalesce(), not in it: a subquery there is not for every warehouse. -#}
            {%- do parts.append(headwater.listed_value(context, alias ~ '.' ~ column, operators['in_list'], path ~ '.' ~ column ~ '.in_list')) -%}
            {%- set operators = headwater._rest(operators, ['in_list']) -%}
        {%- endif -%}
        {%- if operators -%}
            {%- do headwater.note_unknown_values(context, model_name, column, operators, path ~ '.' ~ column) if type == 'text' and operators is mapping -%}
            {%- do parts.append(headwater.comparison(context, alias ~ '.' ~ column, type, operators, path ~ '.' ~ column)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts | join(' and ') or 'false') }}
{%- endmacro %}

{% macro _picked(condition, wanted) -%}
    {%- set picked = {} -%}
    {%- for key in wanted if key in condition -%}
        {%- do picked.update({key: condition[key]}) -%}
    {%- endfor -%}
    {{ return(picked) }}
{%- endmacro %}

{% macro _rest(condition, taken) -%}
    {%- set rest = {} -%}
    {%- for key, value in condition.items() if key not in taken -%}
        {%- do rest.update({key: value}) -%}
    {%- endfor -%}
    {{ return(rest) }}
{%- endmacro %}
