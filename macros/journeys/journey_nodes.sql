{#- Value: the steps of a journey's definition as a flat list in the order people meet them, each
    {name, type, sources: [{node, outcome}], condition, duration, destination, channel, template}; wrong ones stop the parse. -#}
{% macro journey_nodes(parsed) -%}
    {%- if parsed.get('re_entry', 'never') != 'never' -%}
        {{ headwater.audience_error('re_entry', "'" ~ parsed['re_entry'] ~ "' is not one of never") }}
    {%- endif -%}
    {%- if parsed.get('entry') is not mapping or not parsed['entry'].get('audience') -%}
        {{ headwater.audience_error('entry', "wants {audience: the name of an audience model}") }}
    {%- endif -%}
    {%- set nodes = [] -%}
    {%- set ends = headwater._journey_steps(parsed.get('steps'), [{'node': 'entry', 'outcome': none}], nodes, 'steps') -%}
    {%- if ends -%}
        {%- do nodes.append({'name': 'exit', 'type': 'exit', 'sources': ends, 'condition': none}) -%}
    {%- endif -%}
    {{ return(nodes) }}
{%- endmacro %}

{#- Value: where a list of steps leads on to. Appends its nodes to `nodes`. -#}
{% macro _journey_steps(steps, sources, nodes, path) -%}
    {%- if steps is mapping or steps is string or steps is not iterable -%}
        {{ headwater.audience_error(path, "wants a list of steps, each behind a dash") }}
    {%- endif -%}
    {%- set at = namespace(sources=sources) -%}
    {%- for step in steps -%}
        {%- set at.sources = headwater._journey_step(step, at.sources, nodes, path ~ '[' ~ loop.index ~ ']') -%}
    {%- endfor -%}
    {{ return(at.sources) }}
{%- endmacro %}

{% macro _journey_step(step, sources, nodes, path) -%}
    {%- set types = ['wait', 'touchpoint', 'branch', 'goal', 'exit'] -%}
    {%- set found = step | select('in', types) | list if step is mapping else [] -%}
    {%- if found | length != 1 -%}
        {{ headwater.audience_error(path, "wants one step, of " ~ types | join(', ')) }}
    {%- endif -%}
    {%- set type = found[0] -%}
    {%- do headwater._journey_only(step, ['name', type], path) -%}
    {%- set body = step[type] or {} -%}
    {%- set path = path ~ '.' ~ type -%}
    {%- if type == 'exit' -%}
        {#- All ways out are one node, made when the rest is known; here the way just ends. -#}
        {%- do headwater._journey_exit(nodes, sources) -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set name = step.get('name') or type ~ '_' ~ (nodes | length + 1) -%}
    {%- if name in (nodes | map(attribute='name')) or name in ['entry', 'exit'] or modules.re.fullmatch('[a-z][a-z0-9_]*', name) is none -%}
        {{ headwater.audience_error(path, "name '" ~ name ~ "' must be new, of small letters, digits and underscores, and not entry or exit") }}
    {%- endif -%}
    {%- set node = {'name': name, 'type': type, 'sources': sources, 'condition': none} -%}
    {%- do nodes.append(node) -%}
    {%- if type == 'touchpoint' -%}
        {%- do headwater._journey_only(body, ['destination', 'channel', 'template'], path) -%}
        {%- if not body.get('destination') or not body.get('channel') -%}
            {{ headwater.audience_error(path, "wants destination, channel and template") }}
        {%- endif -%}
        {%- do headwater.check_consent_word(path ~ '.channel', body['channel'], headwater.consent_channels() | list) -%}
        {%- do node.update(body) -%}
    {%- elif type == 'wait' -%}
        {%- do headwater._journey_only(body, ['for', 'until', 'timeout'], path) -%}
        {%- do node.update({
            'duration': headwater.audience_duration(body.get('for') or body.get('timeout'), path),
            'condition': headwater._journey_checked(body.get('until'), nodes, path ~ '.until'),
        }) -%}
    {%- elif type == 'goal' -%}
        {%- do node.update({'condition': headwater._journey_checked(body, nodes, path)}) -%}
        {%- do headwater._journey_exit(nodes, [{'node': name, 'outcome': 'reached'}]) -%}
        {{ return([{'node': name, 'outcome': 'missed'}]) }}
    {%- else -%}
        {%- do headwater._journey_only(body, ['if', 'then', 'else'], path) -%}
        {%- do node.update({'condition': headwater._journey_checked(body.get('if'), nodes, path ~ '.if')}) -%}
        {%- if not node.condition -%}
            {{ headwater.audience_error(path, "wants if: a condition") }}
        {%- endif -%}
        {%- set yes = headwater._journey_steps(body.get('then') or [], [{'node': name, 'outcome': 'yes'}], nodes, path ~ '.then') -%}
        {%- set no = headwater._journey_steps(body.get('else') or [], [{'node': name, 'outcome': 'no'}], nodes, path ~ '.else') -%}
        {{ return(yes + no) }}
    {%- endif -%}
    {{ return([{'node': name, 'outcome': none}]) }}
{%- endmacro %}

{#- Nothing: a way that ends before the others is a node of its own, exit_1, exit_2, ... -#}
{% macro _journey_exit(nodes, sources) -%}
    {%- do nodes.append({'name': 'exit_' ~ (nodes | length + 1), 'type': 'exit', 'sources': sources, 'condition': none}) -%}
{%- endmacro %}

{#- Value: a condition as it is; {engaged: {touchpoint, kind}} must name a touchpoint that comes before. -#}
{% macro _journey_checked(condition, nodes, path) -%}
    {%- if condition and condition.get('engaged') -%}
        {%- set touchpoints = nodes | selectattr('type', 'equalto', 'touchpoint') | map(attribute='name') | list -%}
        {%- set named = condition['engaged'].get('touchpoint') -%}
        {%- if named not in touchpoints -%}
            {{ headwater.audience_error(path ~ '.engaged', "no touchpoint '" ~ named ~ "' comes before" ~ headwater.nearest(named, touchpoints)
                ~ " There are " ~ touchpoints | join(', ')) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(condition) }}
{%- endmacro %}

{% macro _journey_only(given, allowed, path) -%}
    {%- for key in given if key not in allowed -%}
        {{ headwater.audience_error(path, "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) }}
    {%- endfor -%}
{%- endmacro %}
