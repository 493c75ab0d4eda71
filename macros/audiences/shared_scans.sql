{#- Leaves that ask how often, how much or when, over the same events or rows, read them once. Each is a column meets_<number of the leaf> of one grouped
    reading, scan_1, scan_2, ..., and what a leaf alone has in its WHERE stands inside of its aggregates:

        at_least: 2, within: 30 days               count(case when <in 30 days> then events.event_id end) >= 2 as meets_1
        within: 7 days, sum: {over 100 of revenue}  coalesce(sum(case when <in 7 days> then events.revenue_eur end) > 100, false) as meets_3

    A leaf that is the only one to ask keeps its `in (select ... having ...)`, and `leaf.sql` is that for every leaf: what tells it from others. -#}

{#- Nothing: notes what the leaf that is being compiled asks of rows. A subquery inside of CASE is not for every warehouse, and whose events they are
    depends in a journey on the entry: such leaves read for themselves. -#}
{% macro note_scan(context, event, reach, source, where, having, is_negated, condition, path) -%}
    {%- if not context.get('spans') and '(select ' not in where and '(select ' not in having -%}
        {%- do (context.leaves | last).update({'scan': {
            'event': event, 'key': reach.key, 'source': source, 'where': where, 'is_negated': is_negated, 'condition': condition, 'path': path,
        }}) -%}
    {%- endif -%}
{%- endmacro %}

{#- Nothing: the leaves of a context, all compiled, that read the same rows have `shared`, {column, sign}, and `context.scans` what is read for them. -#}
{% macro share_scans(context) -%}
    {%- set alike = {} -%}
    {%- for leaf in context.leaves if leaf.scan is defined and not context.problems -%}
        {%- do alike.setdefault(leaf.scan.source ~ ' by ' ~ leaf.scan.key, []).append(leaf) -%}
    {%- endfor -%}
    {%- for leaves in alike.values() if leaves | length > 1 -%}
        {%- set name, first = 'scan_' ~ (context.scans | length + 1), leaves[0].scan -%}
        {%- set columns, wheres = [], [] -%}
        {%- for leaf in leaves -%}
            {%- set event = {'only': leaf.scan.where} -%}
            {%- do event.update(leaf.scan.event) -%}
            {%- do columns.append(headwater._having(context, event, leaf.scan.condition, leaf.scan.path)[0] ~ ' as meets_' ~ leaf.number) -%}
            {%- do wheres.append('(' ~ leaf.scan.where ~ ')') if '(' ~ leaf.scan.where ~ ')' not in wheres -%}
            {%- do leaf.update({'shared': {'column': 'coalesce(' ~ name ~ '.meets_' ~ leaf.number ~ ', 1 = 0)', 'sign': 'not ' if leaf.scan.is_negated else ''}}) -%}
        {%- endfor -%}
        {%- do context.scans.append({'name': name, 'sql': '(
        select
            ' ~ first.key ~ ' as entity_key,
            ' ~ columns | join(',\n            ') ~ '

        from ' ~ first.source ~ '

        where
            ' ~ wheres | join('\n            or ') ~ '

        group by ' ~ first.key ~ '
    )'}) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: the columns of `candidates` that shared readings give, each with its name. -#}
{% macro scan_columns(context) -%}
    {%- set columns = [] -%}
    {%- for leaf in context.leaves if leaf.shared is defined -%}
        {%- do columns.append(leaf.shared.column ~ ' as meets_' ~ leaf.number) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Text: the joins of the shared readings to rows of the entity, known as `alias`; nothing where there are none. -#}
{% macro scan_joins(context, alias) -%}
    {%- set joins = [] -%}
    {%- for scan in context.scans -%}
        {%- do joins.append('\n\n    left join ' ~ scan.sql ~ ' as ' ~ scan.name ~ '\n        on ' ~ alias ~ '.' ~ context.key ~ ' = ' ~ scan.name ~ '.entity_key') -%}
    {%- endfor -%}
    {{ return(joins | join) }}
{%- endmacro %}

{#- Expression: what is aggregated of each row, where a leaf shares its reading only of the rows that are its own. -#}
{% macro of_its_rows(event, value) -%}
    {{ return('case when ' ~ event.only ~ ' then ' ~ value ~ ' end' if event.only is defined else value) }}
{%- endmacro %}
