{#- Value: the plain steps of a step that stands for several: `repeat: {at_most: 5, until: condition, steps: [...]}`, whose second time has steps named
    <name>_2; `branch: {cases: [{if, then}], else: [...]}`, whose second case is a branch named <name>_2; `task: {destination, template}`, a touchpoint
    that no channel and no contact rule is asked for. What is in brackets beside them no definition says: where a step stands there, and what it is a copy of. -#}
{% macro journey_written_out(step, type, path, walk) -%}
    {%- set name, body = step.get('name'), step[type] -%}
    {%- do headwater.note_unknown_keys(walk, step, ['name', type, '(copy of)', '(at)', '(in)', '(asked)'], path) -%}
    {%- if name is not string or body is not mapping -%}
        {%- do headwater.note_problem(walk, path, "wants a name: beside it and a mapping") -%}
        {{ return([]) }}
    {%- endif -%}
    {%- if type == 'task' -%}
        {%- do headwater.note_unknown_keys(walk, body, headwater.definition_keys('task'), path) -%}
        {%- set told = {'when_not_allowed': 'send'} -%}
        {%- do told.update(headwater._picked(body, headwater.definition_keys('task'))) -%}
        {{ return([{'name': name, 'touchpoint': told, '(task)': true, '(copy of)': step.get('(copy of)'), '(in)': path}]) }}
    {%- elif type == 'branch' -%}
        {%- do headwater.note_unknown_keys(walk, body, headwater.definition_keys('branch_cases'), path) -%}
        {%- set cases = body['cases'] -%}
        {%- if cases is string or cases is mapping or cases is not iterable or cases | length < 2 -%}
            {%- do headwater.note_problem(walk, path ~ '.cases', "wants a list of two or more {if: a condition, then: [steps]}") -%}
            {{ return([]) }}
        {%- endif -%}
        {%- set at = namespace(rest=body.get('else') or []) -%}
        {%- for case in cases | reverse -%}
            {%- set number = cases | length - loop.index0 -%}
            {%- set place = path ~ '.cases[' ~ number ~ ']' -%}
            {%- if case is not mapping -%}
                {%- do headwater.note_problem(walk, place, "wants {if: a condition, then: [steps]}") -%}
            {%- else -%}
                {%- do headwater.note_unknown_keys(walk, case, headwater.definition_keys('branch_case'), place) -%}
                {%- set at.rest = [{
                    'name': name if number == 1 else name ~ '_' ~ number, 'branch': {'if': case.get('if'), 'then': case.get('then') or [], 'else': at.rest}, '(in)': place,
                }] -%}
            {%- endif -%}
        {%- endfor -%}
        {{ return(at.rest) }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(walk, body, headwater.definition_keys('repeat'), path) -%}
    {%- set most, steps = body.get('at_most'), body.get('steps') -%}
    {%- if most is boolean or most is not integer or most < 2 or most > 12 or steps is string or steps is mapping or steps is not iterable or not steps -%}
        {%- do headwater.note_problem(walk, path, "wants {at_most: 2 to 12, steps: [...]}, and until: a condition if it may end before") -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set at = namespace(rest=[]) -%}
    {%- set placed = [] -%}
    {%- for one in steps -%}
        {%- do placed.append(dict({'(at)': path ~ '.steps[' ~ loop.index ~ ']'}, **one) if one is mapping else one) -%}
    {%- endfor -%}
    {%- for back in range(most) -%}
        {%- set number = most - back -%}
        {%- set copy = headwater._journey_copy(placed, number) -%}
        {%- if back == 0 -%}
            {%- set at.rest = copy -%}
        {%- elif 'until' in body -%}
            {%- set at.rest = copy + [{'name': name ~ ('_' ~ number if number > 1 else ''), 'branch': {'if': body['until'], 'then': [], 'else': at.rest}, '(in)': path, '(asked)': path ~ '.until'}] -%}
        {%- else -%}
            {%- set at.rest = copy + at.rest -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(at.rest) }}
{%- endmacro %}

{#- Value: steps with the names of their number-th time; what they ask of each other is of that time too. -#}
{% macro _journey_copy(steps, number) -%}
    {%- if number == 1 -%}
        {{ return(steps) }}
    {%- endif -%}
    {%- set names = headwater._journey_names_within(steps) -%}
    {%- set copied = [] -%}
    {%- for step in steps -%}
        {%- do copied.append(headwater._journey_renumbered(step, names, number)) -%}
    {%- endfor -%}
    {{ return(copied) }}
{%- endmacro %}

{#- Value: every name: in steps and the steps inside of them. -#}
{% macro _journey_names_within(value) -%}
    {%- set names = [] -%}
    {%- if value is mapping -%}
        {%- for key, inner in value.items() -%}
            {%- if key == 'name' and inner is string -%}
                {%- do names.append(inner) -%}
            {%- else -%}
                {%- do names.extend(headwater._journey_names_within(inner)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- elif value is iterable and value is not string -%}
        {%- for inner in value -%}
            {%- do names.extend(headwater._journey_names_within(inner)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

{% macro _journey_renumbered(value, names, number) -%}
    {%- if value is mapping -%}
        {%- set told = {} -%}
        {%- for key, inner in value.items() -%}
            {%- do told.update({key: inner ~ '_' ~ number if key in ['name', 'touchpoint', 'to'] and inner is string and inner in names else headwater._journey_renumbered(inner, names, number)}) -%}
        {%- endfor -%}
        {%- if 'name' in value and value['name'] in names -%}
            {%- do told.update({'(copy of)': value.get('(copy of)', value['name'])}) if value | select('in', ['wait', 'touchpoint', 'task', 'branch', 'split', 'goal']) | list -%}
        {%- endif -%}
        {{ return(told) }}
    {%- elif value is iterable and value is not string -%}
        {%- set told = [] -%}
        {%- for inner in value -%}
            {%- do told.append(headwater._journey_renumbered(inner, names, number)) -%}
        {%- endfor -%}
        {{ return(told) }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{#- Value: names of steps, and of each those that repeat: makes of it. -#}
{% macro journey_with_copies(nodes, names) -%}
    {%- set all = names | list -%}
    {%- for node in nodes if node.is_copy_of and node.is_copy_of in names and node.name not in all -%}
        {%- do all.append(node.name) -%}
    {%- endfor -%}
    {{ return(all) }}
{%- endmacro %}
