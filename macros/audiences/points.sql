{#- Value: the rule tree of `some: [conditions]` with at_least: how many of them, or `score: [{points: 5, if: condition}]` with at_least: how many points:
    {kind: points, of: [trees], points: [numbers, below 0 to be taken off], least}; none where it is wrong, which is noted. -#}
{% macro points_tree(context, kind, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, [kind, 'at_least'], path) -%}
    {%- set listed, least = condition[kind], condition.get('at_least') -%}
    {%- if listed is string or listed is mapping or listed is not iterable or listed | length < 2 or listed | length > 10
        or least is boolean or least is not integer or least < 1 -%}
        {%- do headwater.note_problem(context, path, "wants a list of 2 to 10 " ~ ("conditions" if kind == 'some' else "{points: 5, if: a condition}") ~ ", and at_least: a whole number beside it") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set trees, points = [], [] -%}
    {%- for one in listed -%}
        {%- set place = path ~ '[' ~ loop.index ~ ']' -%}
        {%- if kind == 'some' -%}
            {%- do trees.append(headwater.rule_tree(context, one, place)) -%}
            {%- do points.append(1) -%}
        {%- elif one is not mapping or one | list | sort != ['if', 'points'] or one['points'] is boolean or one['points'] is not integer or one['points'] == 0 or one['points'] | abs > 1000 -%}
            {%- do headwater.note_problem(context, place, "wants {points: 5, if: a condition}, whole points up to 1000, below 0 to be taken off") -%}
        {%- else -%}
            {%- do trees.append(headwater.rule_tree(context, one['if'], place ~ '.if')) -%}
            {%- do points.append(one['points']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set most = points | select('gt', 0) | sum -%}
    {%- if most < least and points | length == listed | length -%}
        {%- do headwater.note_problem(context, path ~ '.at_least', (least | string) ~ " is more than all of them together, " ~ most) -%}
    {%- endif -%}
    {{ return({'kind': 'points', 'is_score': kind == 'score', 'of': trees, 'points': points, 'least': least}) }}
{%- endmacro %}

{#- Expression: conditions whose points add up to as many. Two points off for a condition are two fewer to begin with, and two for whoever does not meet it. -#}
{% macro points_predicate(parts, points, least) -%}
    {%- set asked, worth, off = [], [], points | select('lt', 0) | sum -%}
    {%- for part in parts -%}
        {%- do asked.append(part if points[loop.index0] > 0 else 'not (' ~ part ~ ')') -%}
        {%- do worth.append(points[loop.index0] | abs) -%}
    {%- endfor -%}
    {{ return(headwater.points_expression(asked, worth, least - off)) }}
{%- endmacro %}

{#- Expression: conditions whose points, all above 0, add up to as many: with the first and the rest that is wanted of the others, or without it. Plain and and or, as
    a subquery inside of CASE is not for every warehouse. -#}
{% macro points_expression(parts, points, least) -%}
    {%- if least <= 0 -%}
        {{ return('true') }}
    {%- elif points | sum < least -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set with_it = headwater.points_expression(parts[1:], points[1:], least - points[0]) -%}
    {%- set without = headwater.points_expression(parts[1:], points[1:], least) -%}
    {%- set first = parts[0] ~ (' and ' ~ with_it if with_it != 'true' else '') -%}
    {{ return('(' ~ first ~ (' or ' ~ without if without != 'false' else '') ~ ')') }}
{%- endmacro %}
