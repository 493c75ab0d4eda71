{#- Data test: what dbt's own tests of columns ask, of all columns of a model in one query: a build of many small tests spends more on each than its warehouse does.
    unique: columns, or lists of columns of which no two rows have the same values. A column alone may be null in many rows, as with dbt's `unique`.
    not_null: columns. accepted_values: {column: [values]}, null is none of them and passes. relationships: {column: {to: ref('...'), field: ...}}.
    Rows: rule, row_count, one per rule that is broken; tell_broken_rules() says them at the end of the build. -#}
{% test column_rules(model, unique=[], not_null=[], accepted_values={}, relationships={}) %}
{%- set of_rows = [] -%}
{%- for column in not_null -%}
    {%- do of_rows.append({'rule': 'not_null: ' ~ column, 'broken': column ~ ' is null'}) -%}
{%- endfor -%}
{%- for column, values in accepted_values.items() -%}
    {%- set literals = [] -%}
    {%- for value in values -%}
        {%- do literals.append(headwater.string_literal(value) if value is string else value | string | lower) -%}
    {%- endfor -%}
    {%- do of_rows.append({'rule': 'accepted_values: ' ~ column, 'broken': column ~ ' not in (' ~ literals | join(', ') ~ ')'}) -%}
{%- endfor -%}
{%- set parts = [] -%}
{%- if of_rows -%}
    {#- A common table expression that is named twice is read twice on BigQuery. -#}
    {%- set sums, names, cases = [], [], [] -%}
    {%- for one in of_rows -%}
        {%- do sums.append('sum(case when ' ~ one.broken ~ ' then 1 else 0 end) as broken_' ~ loop.index) -%}
        {%- do names.append('select ' ~ loop.index ~ ' as place, ' ~ headwater.string_literal(one.rule) ~ ' as rule') -%}
        {%- do cases.append('when ' ~ loop.index ~ ' then broken_' ~ loop.index) -%}
    {%- endfor -%}
    {%- do parts.append(
        'select names.rule, case names.place ' ~ cases | join(' ') ~ ' end as row_count from (select ' ~ sums | join(', ') ~ ' from ' ~ model
        ~ ') as counted cross join (' ~ names | join(' union all ') ~ ') as names'
    ) -%}
{%- endif -%}
{%- for columns in unique -%}
    {%- set columns = [columns] if columns is string else columns -%}
    {%- do parts.append(
        'select ' ~ headwater.string_literal('unique: ' ~ columns | join(', ')) ~ ' as rule, count(*) as row_count from (select ' ~ columns | join(', ')
        ~ ' from ' ~ model ~ (' where ' ~ columns[0] ~ ' is not null' if columns | length == 1 else '') ~ ' group by ' ~ columns | join(', ')
        ~ ' having count(*) > 1) as repeated'
    ) -%}
{%- endfor -%}
{%- for column, parent in relationships.items() -%}
    {%- do parts.append(
        'select ' ~ headwater.string_literal('relationships: ' ~ column) ~ ' as rule, count(*) as row_count from (select ' ~ column ~ ' as held from ' ~ model
        ~ ' where ' ~ column ~ ' is not null) as child left join (select ' ~ parent.field ~ ' as held from ' ~ parent.to
        ~ ') as parent on child.held = parent.held where parent.held is null'
    ) -%}
{%- endfor -%}
{%- if not parts -%}
    {{ exceptions.raise_compiler_error("column_rules: it names no rule; give unique, not_null, accepted_values or relationships.") }}
{%- endif -%}
select rule, row_count

from (
    {{ parts | join('\n    union all\n    ') }}
) as rules

where row_count > 0

{% endtest %}
