{#- Expression: what a comparison compares with where it is no constant. A mapping: {trait: another} of the same row, {mean, median, min or max:
    trait}, {percentile: trait, at: 90}, of all rows or `per: country`; {property: another} of the same event; {previous: window}, the same figure
    in the window before. `times: 0.8`, `plus:` and `minus: 5`, of times a duration, come on top. -#}
{% macro operand(context, column, value, type, path, previous=none) -%}
    {%- set alias = column.split('.')[0] if modules.re.fullmatch('[a-z_]+[.][A-Za-z0-9_]+', column) else '' -%}
    {%- set of_groups = ['mean', 'median', 'min', 'max', 'percentile'] -%}
    {%- set bases = ['previous'] if previous else (['trait', 'figure'] + of_groups) if alias == 'candidates' else (['property', 'entry'] if alias == 'events' and context.get('entry_event') else ['property']) if alias else [] -%}
    {%- set found = value | select('in', bases) | list -%}
    {%- if found | length != 1 -%}
        {%- do headwater.note_problem(context, path, ("wants one value, or a mapping with one of " ~ bases | join(', ') ~ headwater.nearest(value | first, bases)) if bases else "wants one value") -%}
        {{ return('null') }}
    {%- endif -%}
    {%- set base = found[0] -%}
    {%- do headwater.note_unknown_keys(context, value, [base, 'times', 'plus', 'minus'] + (['per'] if base in of_groups else []) + (['at'] if base == 'percentile' else []), path) -%}
    {%- if base == 'previous' -%}
        {%- if value['previous'] != 'window' -%}
            {%- do headwater.note_problem(context, path ~ '.previous', "wants the word window") -%}
        {%- endif -%}
        {%- set sql = previous -%}
    {%- elif base == 'property' -%}
        {%- set property = value['property'] -%}
        {%- if property is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', property) -%}
            {%- do headwater.note_problem(context, path, "'" ~ property ~ "' is no name of a property") -%}
            {{ return('null') }}
        {%- endif -%}
        {%- set other = headwater._column_type(context, context.models[alias], property, path) if alias in context.models else none -%}
        {%- do headwater._note_other_type(context, property, other, type, path) -%}
        {%- set sql = alias ~ '.' ~ property -%}
    {%- elif base == 'entry' -%}
        {%- do headwater._note_other_type(context, value['entry'], headwater.use_entry(context, value['entry'], path), type, path) -%}
        {%- set sql = 'own_event.entry_' ~ value['entry'] -%}
    {%- elif base == 'figure' -%}
        {%- set sql = headwater.told_figure(context, value['figure'], path ~ '.figure') -%}
        {%- do headwater._note_other_type(context, 'figure', headwater.told_type(context, sql), type, path) -%}
    {%- elif value[base] is mapping and base in of_groups -%}
        {%- set told = headwater.told_figure(context, value[base].get('figure'), path ~ '.' ~ base ~ '.figure') -%}
        {%- do headwater._note_other_type(context, 'figure', headwater.told_type(context, told), type, path) -%}
        {%- if base in ['mean', 'median', 'percentile'] and (headwater.told_type(context, told) or 'number') != 'number' -%}
            {%- do headwater.note_problem(context, path ~ '.' ~ base, "wants a figure that is a number") -%}
        {%- endif -%}
        {%- set grouped = headwater._rest(value, [base]) -%}
        {%- do grouped.update({base: told.split('.')[-1]}) -%}
        {%- set sql = headwater._group_figure(context, base, grouped, path) -%}
    {%- else -%}
        {%- set other = headwater.use_trait(context, value[base], path) -%}
        {%- do headwater._note_other_type(context, value[base], other, type, path) -%}
        {%- if base in ['mean', 'median', 'percentile'] and (other or 'number') != 'number' -%}
            {%- do headwater.note_problem(context, path, "'" ~ value[base] ~ "' is no number") -%}
        {%- endif -%}
        {%- set sql = 'candidates.' ~ value[base] if base == 'trait' else headwater._group_figure(context, base, value, path) -%}
    {%- endif -%}
    {{ return(headwater._moved(context, headwater._instant(sql) if type == 'time' else sql, value, type, path)) }}
{%- endmacro %}

{% macro _note_other_type(context, name, other, type, path) -%}
    {%- if type and other and other != type -%}
        {%- do headwater.note_problem(context, path, "'" ~ name ~ "' is of " ~ other ~ ", and is compared with a column of " ~ type) -%}
    {%- endif -%}
{%- endmacro %}

{#- Expression: a figure or time with a factor and something added. -#}
{% macro _moved(context, sql, value, type, path) -%}
    {%- set at = namespace(sql=sql) -%}
    {%- for key in ['times', 'plus', 'minus'] if key in value -%}
        {%- if type == 'time' or (not type and value[key] is string and key != 'times') -%}
            {%- set months = headwater.months_of(value[key]) -%}
            {%- set problem = "is for numbers" if key == 'times' else '' if months else headwater._duration_problem(value[key]) -%}
            {%- if problem -%}
                {%- do headwater.note_problem(context, path ~ '.' ~ key, problem) -%}
            {%- else -%}
                {%- set duration = {'amount': months, 'unit': 'month'} if months else headwater.audience_duration(value[key], path) -%}
                {%- set at.sql = headwater.timestamp_add(at.sql, ('-' if key == 'minus' else '') ~ duration.amount, duration.unit) -%}
            {%- endif -%}
        {%- elif value[key] is boolean or value[key] is not number -%}
            {%- do headwater.note_problem(context, path ~ '.' ~ key, "wants a number, without quotes and in plain digits") -%}
        {%- else -%}
            {%- set at.sql = '(' ~ at.sql ~ {'times': ' * ', 'plus': ' + ', 'minus': ' - '}[key] ~ '(' ~ value[key] ~ '))' -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(at.sql) }}
{%- endmacro %}

{#- Expression: a figure over all rows of the entity, or those of the same group; rows without a group have none. -#}
{% macro _group_figure(context, function, value, path) -%}
    {%- set column = context.model ~ '.' ~ value[function] -%}
    {%- set groups = headwater._groups(context, value, path) -%}
    {%- set over = ('partition by ' ~ groups | join(', ')) if groups else '' -%}
    {%- if function in ['median', 'percentile'] -%}
        {%- set at = 50 if function == 'median' else value.get('at') -%}
        {%- if at is boolean or at is not number or at < 0 or at > 100 -%}
            {%- do headwater.note_problem(context, path ~ '.at', "wants a number from 0 to 100") -%}
            {{ return('null') }}
        {%- endif -%}
        {%- if at > 0 and at < 1 -%}
            {%- do headwater.note_problem(context, path ~ '.at', "is in percent, 0 to 100: " ~ at ~ " is below nearly everybody; for the " ~ (at * 100) | round | int ~ "th say " ~ (at * 100) | round | int) -%}
        {%- endif -%}
        {%- set sql = headwater.percentile_over(column, at / 100, over) -%}
    {%- else -%}
        {%- set sql = ('avg' if function == 'mean' else function) ~ '(' ~ column ~ ') over (' ~ over ~ ')' -%}
    {%- endif -%}
    {{ return(headwater._use_figure(context, headwater._where_grouped(groups, sql))) }}
{%- endmacro %}

{#- Expression, boolean: `rank: {"<=": 100, per: country, from: lowest}` by a column, 1 for the highest unless told; `tile: {of: 5, equals: 5}`,
    which of so many equal parts, 1 for the lowest unless told,
    where the highest is always in the last. Ties go by the key; rows without a value have no place. `among: {column: value}`
    ranks only some. -#}
{% macro rank_comparison(context, column, operator, value, path) -%}
    {%- if not column.startswith('candidates.') or value is not mapping -%}
        {%- do headwater.note_problem(context, path, "wants {'<=': 100, per: a trait, from: lowest, among: {trait: value}}" ~ (" and of: how many parts" if operator == 'tile' else '') ~ ", on a trait") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set settings = ['per', 'from', 'among'] + (['of'] if operator == 'tile' else []) -%}
    {%- set from = value.get('from', 'lowest' if operator == 'tile' else 'highest') -%}
    {%- if from not in ['highest', 'lowest'] -%}
        {%- do headwater.note_problem(context, path ~ '.from', "'" ~ from ~ "' is not one of highest, lowest" ~ headwater.nearest(from, ['highest', 'lowest'])) -%}
    {%- endif -%}
    {%- set parts = value.get('of') -%}
    {%- if operator == 'tile' and (parts is boolean or parts is not integer or parts < 2 or parts > 1000) -%}
        {%- do headwater.note_problem(context, path ~ '.of', "wants a whole number of parts, 2 to 1000") -%}
    {%- endif -%}
    {%- do headwater._note_outside(context, headwater._rest(value, settings), 1, parts if operator == 'tile' and parts is integer else none, path) -%}
    {%- set ranked = context.model ~ '.' ~ column.split('.')[1] -%}
    {%- set groups = headwater._groups(context, value, path) -%}
    {%- set counted = [ranked ~ ' is not null'] -%}
    {%- if 'among' in value -%}
        {%- do counted.append(headwater.where_clause(context, context.model, context.model, value['among'], path ~ '.among')) -%}
    {%- endif -%}
    {%- set is_counted = 'case when ' ~ counted | join(' and ') ~ ' then 1 else 0 end' -%}
    {%- set partition = 'partition by ' ~ ([is_counted] + groups) | join(', ') -%}
    {%- set place = 'row_number() over (' ~ partition ~ ' order by ' ~ ranked ~ (' asc' if from == 'lowest' else ' desc') ~ ', ' ~ context.model ~ '.' ~ context.key ~ ' asc)' -%}
    {#- Not ntile(): of fewer rows than parts, too, the best is in the best part. -#}
    {%- set sql = place if operator == 'rank' else ('ceil(' ~ place ~ ' * ' ~ parts ~ '.0 / count(*) over (' ~ partition ~ '))') if from == 'lowest'
        else ('(floor((' ~ place ~ ' - 1) * ' ~ parts ~ '.0 / count(*) over (' ~ partition ~ ')) + 1)') -%}
    {%- set figure = headwater._use_figure(context, headwater._where_grouped(groups, sql, counted)) -%}
    {{ return(headwater.comparison(context, figure, 'number', headwater._rest(value, settings), path)) }}
{%- endmacro %}

{#- Nothing: notes numbers that a figure never is, such as a share of 30 or the hour 25. `high` is none where there is no highest. -#}
{% macro _note_outside(context, operators, low, high, path) -%}
    {%- for operator, value in operators.items() -%}
        {%- for number in (value if value is iterable and value is not string and value is not mapping else [value]) -%}
            {%- if number is number and number is not boolean and (number < low or (high is not none and number > high)) -%}
                {%- do headwater.note_problem(context, path ~ '.' ~ operator, (number | string) ~ " is never met or always: it is " ~ (low ~ " to " ~ high if high is not none else low ~ " or more")) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: expressions of the columns that `per:` names. -#}
{% macro _groups(context, value, path) -%}
    {%- set groups = [] -%}
    {%- if 'per' in value -%}
        {%- for trait in ([value['per']] if value['per'] is string or value['per'] is not iterable else value['per']) -%}
            {%- do headwater.use_trait(context, trait, path ~ '.per') -%}
            {%- do groups.append(context.model ~ '.' ~ trait) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(groups) }}
{%- endmacro %}

{% macro _where_grouped(groups, sql, tests=[]) -%}
    {%- set tests = tests | list -%}
    {%- for group in groups -%}
        {%- do tests.append(group ~ ' is not null') -%}
    {%- endfor -%}
    {{ return('case when ' ~ tests | join(' and ') ~ ' then ' ~ sql ~ ' end' if tests else sql) }}
{%- endmacro %}

{#- Expression: the column of `candidates` that holds a figure; it is noted, and computed where the rows are read. -#}
{% macro _use_figure(context, sql) -%}
    {%- if sql not in context.figures -%}
        {%- do context.figures.append(sql) -%}
    {%- endif -%}
    {%- set at = namespace(number=0) -%}
    {%- for figure in context.figures -%}
        {%- if figure == sql -%}
            {%- set at.number = loop.index -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('candidates.figure_' ~ at.number) }}
{%- endmacro %}

{#- Relation-shaped: the rows of an entity with the figures and the shared readings that its conditions turned out to use, as `candidates`. -#}
{% macro candidates_of(context) -%}
    {%- if not context.figures and not context.told and not context.scans -%}
        {{ return(headwater.model_ref(context.model, context) ~ ' as candidates') }}
    {%- endif -%}
    {%- set columns = [context.model ~ '.*'] -%}
    {%- for figure in context.figures -%}
        {%- do columns.append(figure ~ ' as figure_' ~ loop.index) -%}
    {%- endfor -%}
    {{ return('(select ' ~ (columns + headwater.scan_columns(context)) | join(', ') ~ ' from ' ~ headwater.entity_rows(context) ~ headwater.scan_joins(context, context.model) ~ ') as candidates') }}
{%- endmacro %}
