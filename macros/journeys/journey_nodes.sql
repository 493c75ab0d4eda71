{#- Value: the steps of a journey's definition as a flat list in the order people meet them, each
    {name, type, sources: [{node, outcome}], condition, duration, destination, channel, template, to_contacts}; wrong ones stop the parse. -#}
{% macro journey_nodes(parsed) -%}
    {%- set audience = (parsed['entry'] if parsed.get('entry') is mapping else {}).get('audience') -%}
    {%- set problem = headwater.wrong_entity(audience, headwater.journey_entity(parsed)) if audience is string else '' -%}
    {%- if problem -%}
        {{ headwater.audience_error('entry.audience', problem ~ (", or say entity: account, and companies go through the journey" if headwater.journey_entity(parsed) == 'person' else '')) }}
    {%- endif -%}
    {%- set nodes = [] -%}
    {%- set outs = [] -%}
    {%- for end in headwater._journey_steps(parsed.get('steps'), [{'node': 'entry', 'outcome': none}], nodes, outs, 'steps') -%}
        {%- do outs.append(end) -%}
    {%- endfor -%}
    {%- set ends = [] -%}
    {%- for way in outs -%}
        {%- if 'jump' in way -%}
            {%- set targets = nodes[way.after:] | selectattr('name', 'equalto', way.jump) | list -%}
            {%- if not targets -%}
                {{ headwater.audience_error(way.path, "wants {to: the name of a step that stands later}, not '" ~ way.jump ~ "'; back goes repeat:") }}
            {%- endif -%}
            {%- do targets[0].update({'sources': targets[0].sources + way.sources}) -%}
        {%- else -%}
            {%- do ends.append(way) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set outs = ends -%}
    {%- if outs -%}
        {#- All ways out that have no name of their own are one node. -#}
        {%- do nodes.append({'name': 'exit', 'type': 'exit', 'sources': outs, 'condition': none}) -%}
    {%- endif -%}
    {%- do headwater._journey_check_exit_when(parsed) -%}
    {%- do headwater.check_journey_contacts(parsed, nodes) -%}
    {%- do headwater._journey_note_contacts(parsed, nodes) -%}
    {%- do headwater._journey_check_edits(parsed, nodes | rejectattr('type', 'equalto', 'exit') | map(attribute='name') | list) -%}
    {{ return(nodes) }}
{%- endmacro %}

{#- Nothing, or a stop: an exit_when that everybody meets who comes in, and so a journey that sends nothing. -#}
{% macro _journey_check_exit_when(parsed) -%}
    {%- set told = parsed.get('exit_when') -%}
    {%- for one in ((told.get('any') if told.get('any') is not none and told.get('any') is not string and told.get('any') is not mapping else none) or [told] if told is mapping else []) if one is mapping -%}
        {%- if 'did' in one and one.get('since', 'entry') == 'entry' and not one | select('in', ['within', 'between', 'during']) | list
            and (one.get('exactly') == 0 or ('at_most' in one and 'at_least' not in one)) -%}
            {{ headwater.audience_error('exit_when', "everybody meets it at the entry, as what came before does not count; wait for it: {until: {did: " ~ one['did'] ~ "}, timeout: 30 days}, or say since: ever") }}
        {%- elif 'member_of' in one and one | length == 1 and parsed.get('entry') is mapping and one['member_of'] == parsed['entry'].get('audience') -%}
            {{ headwater.audience_error('exit_when', "everybody meets it at the entry, being a member of " ~ one['member_of'] ~ "; for who is none any more say not: {member_of: " ~ one['member_of'] ~ "}") }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: where a list of steps leads on to. Appends its nodes to `nodes`, and ways that end before the others to `outs`. -#}
{% macro _journey_steps(steps, sources, nodes, outs, path) -%}
    {%- if steps is mapping or steps is string or steps is not iterable -%}
        {{ headwater.audience_error(path, "wants a list of steps, each behind a dash") }}
    {%- endif -%}
    {%- set at = namespace(sources=sources) -%}
    {%- for step in steps -%}
        {%- if not at.sources and not (headwater._journey_is_jumped_to(step, outs)) -%}
            {{ headwater.audience_error(path ~ '[' ~ loop.index ~ ']', "is a step that nobody comes to: every way before it has an exit or a jump at its end") }}
        {%- endif -%}
        {%- set at.sources = headwater._journey_step(step, at.sources, nodes, outs, path ~ '[' ~ loop.index ~ ']') -%}
    {%- endfor -%}
    {{ return(at.sources) }}
{%- endmacro %}

{#- Value: whether a jump before it leads to a step. -#}
{% macro _journey_is_jumped_to(step, outs) -%}
    {%- set names = headwater._journey_names_within(step) -%}
    {%- for way in outs if way.jump is defined and way.jump in names -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{% macro _journey_step(step, sources, nodes, outs, path) -%}
    {%- set types = headwater.definition_keys('steps') -%}
    {%- set found = step | select('in', types) | list if step is mapping else [] -%}
    {%- if found | length != 1 -%}
        {{ headwater.audience_error(path, "wants one step, of " ~ types | join(', ')) }}
    {%- endif -%}
    {%- set type = found[0] -%}
    {%- do headwater._journey_only(step | reject('in', ['is_task', 'is_copy_of']) | list, ['name', type], path) -%}
    {%- set body = step[type] -%}
    {%- set path = path ~ '.' ~ type -%}
    {%- if type in ['repeat', 'task'] or (type == 'branch' and body is mapping and 'cases' in body) -%}
        {{ return(headwater._journey_steps(headwater.journey_written_out(step, type, path), sources, nodes, outs, path)) }}
    {%- elif type == 'jump' -%}
        {%- do outs.append({'jump': body['to'] if body is mapping and body | list == ['to'] else none, 'sources': sources, 'path': path, 'after': nodes | length}) -%}
        {{ return([]) }}
    {%- endif -%}
    {%- if body is not mapping or (type == 'exit' and body) -%}
        {{ headwater.audience_error(path, "wants {}, since it takes nothing" if type == 'exit' else "wants a mapping, such as {for: 3 days} of a wait") }}
    {%- endif -%}
    {%- set name = step.get('name') -%}
    {%- if name is not none -%}
        {%- do headwater._journey_check_name(name, nodes, path) -%}
    {%- endif -%}
    {%- if type == 'exit' -%}
        {%- do headwater._journey_out(name, sources, nodes, outs) -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set node = {'name': name or '', 'type': type, 'sources': sources, 'condition': none, 'is_copy_of': step.get('is_copy_of')} -%}
    {%- do nodes.append(node) -%}
    {%- if type == 'touchpoint' -%}
        {%- do headwater._journey_only(body, headwater.definition_keys('touchpoint'), path) -%}
        {%- if not body.get('destination') or (not body.get('channel') and 'is_task' not in step) -%}
            {{ headwater.audience_error(path, "wants destination, channel and template") }}
        {%- endif -%}
        {%- do headwater.check_destination(body['destination'], path ~ '.destination') -%}
        {%- if 'is_task' not in step -%}
            {%- do headwater.check_consent_word(path ~ '.channel', body['channel'], headwater.consent_channels() | list) -%}
        {%- endif -%}
        {%- do headwater._journey_only([body.get('when_not_allowed', 'delay')], ['delay', 'drop', 'send'], path ~ '.when_not_allowed') -%}
        {%- do node.update({'when_not_allowed': 'delay', 'path': path, 'is_task': 'is_task' in step}) -%}
        {%- do node.update(body) -%}
    {%- elif type == 'wait' -%}
        {%- set clock = headwater._journey_wait_clock(body, path) -%}
        {%- do headwater._journey_only(body, headwater.definition_keys('wait'), path) -%}
        {%- if not clock and body | list | sort not in [['for'], ['timeout', 'until']] -%}
            {{ headwater.audience_error(path, "wants {for: a duration}, {until: a condition, timeout: a duration}, {time: '09:00', weekday: monday} or {date: a trait, before: 3 days}, not " ~ body | join(', ')) }}
        {%- endif -%}
        {%- do node.update({'clock': clock}) -%}
        {%- do node.update({
            'duration': headwater._journey_length(body.get('for') or body.get('timeout'), path),
            'condition': headwater._journey_checked(body.get('until'), nodes, path ~ '.until'),
        } if not clock else {}) -%}
    {%- elif type == 'split' -%}
        {%- do node.update({'arms': headwater._journey_arms(body, path)}) -%}
    {%- elif type == 'goal' -%}
        {%- do node.update({'condition': headwater._journey_checked(body, nodes, path)}) -%}
    {%- else -%}
        {%- do headwater._journey_only(body, headwater.definition_keys('branch'), path) -%}
        {%- do node.update({'condition': headwater._journey_checked(body.get('if'), nodes, path ~ '.if')}) -%}
    {%- endif -%}
    {%- if type in ['goal', 'branch'] and not node.condition -%}
        {{ headwater.audience_error(path, "wants " ~ ('if: ' if type == 'branch') ~ "a condition") }}
    {%- endif -%}
    {%- if not name -%}
        {#- A place in the list is no name: whatever is inserted before it would make it another step, to be taken again. -#}
        {{ headwater.audience_error(path, "wants a name: beside it, which the log keeps for ever, such as name: first_" ~ type) }}
    {%- endif -%}
    {%- if type == 'goal' -%}
        {%- do outs.append({'node': name, 'outcome': 'reached', 'way_out': 'goal'}) -%}
        {#- `skipped` leads on wherever a node's outcome decides the way. -#}
        {{ return([{'node': name, 'outcome': 'missed'}, {'node': name, 'outcome': 'skipped'}]) }}
    {%- elif type == 'split' -%}
        {%- set ends = [] -%}
        {%- for arm in node.arms -%}
            {%- do ends.extend(headwater._journey_steps(arm.steps, [{'node': name, 'outcome': arm.name}], nodes, outs, path ~ '.' ~ arm.name ~ '.steps')) -%}
        {%- endfor -%}
        {{ return(ends + ([{'node': name, 'outcome': 'skipped'}] if ends else [])) }}
    {%- elif type == 'branch' -%}
        {%- set yes = headwater._journey_steps(body.get('then') or [], [{'node': name, 'outcome': 'yes'}], nodes, outs, path ~ '.then') -%}
        {%- set no = headwater._journey_steps(body.get('else') or [], [{'node': name, 'outcome': 'no'}], nodes, outs, path ~ '.else') -%}
        {{ return(yes + no + ([{'node': name, 'outcome': 'skipped'}] if yes or no else [])) }}
    {%- endif -%}
    {{ return([{'node': name, 'outcome': none}]) }}
{%- endmacro %}

{% macro _journey_length(text, path) -%}
    {%- set problem = headwater._duration_problem(text, 1) -%}
    {%- if problem -%}
        {{ headwater.audience_error(path, problem) }}
    {%- endif -%}
    {{ return(headwater.audience_duration(text, path)) }}
{%- endmacro %}

{#- Nothing, or a stop. What a step is says its type, never its name; the log's own two words are taken. -#}
{% macro _journey_check_name(name, nodes, path) -%}
    {%- if name is not string or name in (nodes | map(attribute='name')) or name in ['entry', 'exit']
        or modules.re.fullmatch('[a-z][a-z0-9_]{0,99}', name) is none -%}
        {{ headwater.audience_error(path, "name '" ~ name ~ "' must be new, of small letters, digits and underscores, at most 100, and not entry or exit") }}
    {%- endif -%}
{%- endmacro %}

{#- Nothing: people leave here, by a node of the step's own name or by the one of all. -#}
{% macro _journey_out(name, sources, nodes, outs) -%}
    {%- set ways = [] -%}
    {%- for source in sources -%}
        {%- do ways.append({'node': source.node, 'outcome': source.outcome, 'way_out': 'exit'}) -%}
    {%- endfor -%}
    {%- if name -%}
        {%- do nodes.append({'name': name, 'type': 'exit', 'sources': ways, 'condition': none}) -%}
    {%- else -%}
        {%- do outs.extend(ways) -%}
    {%- endif -%}
{%- endmacro %}

{#- Nothing, or a stop: renamed {new: old or [old, ...]}, removed [old, ...], inserted {step: newcomers | everybody}. -#}
{% macro _journey_check_edits(parsed, names) -%}
    {%- set renamed = parsed.get('renamed') or {} -%}
    {%- set removed = parsed.get('removed') or [] -%}
    {%- set inserted = parsed.get('inserted') or {} -%}
    {%- set migrate = parsed.get('migrate', []) -%}
    {%- if migrate is string or migrate is mapping or migrate is not iterable -%}
        {{ headwater.audience_error('migrate', "wants a list of versions whose people go on by this definition, such as [v3f2a90c1]; sync journey show has them") }}
    {%- endif -%}
    {%- for one in migrate if one is not string or not modules.re.fullmatch('v[0-9a-f]{8}(_[0-9]+)?', one) -%}
        {{ headwater.audience_error('migrate', "'" ~ one ~ "' is no version, such as v3f2a90c1; sync journey show has them") }}
    {%- endfor -%}
    {%- if renamed is not mapping -%}
        {{ headwater.audience_error('renamed', "wants {new name: old name}") }}
    {%- elif removed is string or removed is mapping or removed is not iterable -%}
        {{ headwater.audience_error('removed', "wants a list of names that steps had, such as [old_step]") }}
    {%- elif inserted is not mapping -%}
        {{ headwater.audience_error('inserted', "wants {step: newcomers or everybody}") }}
    {%- endif -%}
    {%- set former = [] -%}
    {%- for new, old in renamed.items() -%}
        {%- if new not in names -%}
            {{ headwater.audience_error('renamed', "'" ~ new ~ "' is no step (there are " ~ names | join(', ') ~ ")" ~ headwater.nearest(new, names)) }}
        {%- elif not old or old is mapping or (old is not string and old is not iterable) -%}
            {{ headwater.audience_error('renamed.' ~ new, "wants the step's old name, or a list of them") }}
        {%- endif -%}
        {%- do former.extend([old] if old is string else old | list) -%}
    {%- endfor -%}
    {%- for old in former + (removed | list) -%}
        {%- if old in names -%}
            {{ headwater.audience_error('renamed' if old in former else 'removed', "'" ~ old ~ "' is a step still; give one of the two another name") }}
        {%- elif (former + (removed | list)).count(old) > 1 -%}
            {{ headwater.audience_error('renamed' if old in former else 'removed', "'" ~ old ~ "' stands there twice") }}
        {%- endif -%}
    {%- endfor -%}
    {%- for step, who in inserted.items() -%}
        {%- if step not in names -%}
            {{ headwater.audience_error('inserted', "'" ~ step ~ "' is no step (there are " ~ names | join(', ') ~ ")" ~ headwater.nearest(step, names)) }}
        {%- elif who not in ['newcomers', 'everybody'] -%}
            {{ headwater.audience_error('inserted.' ~ step, "'" ~ who ~ "' is not one of newcomers, everybody" ~ headwater.nearest(who, ['newcomers', 'everybody'])) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: a condition as it is; {engaged: {touchpoint, kind}} must name a touchpoint that comes before. -#}
{% macro _journey_checked(condition, nodes, path) -%}
    {%- if condition is not none and (condition is not mapping or not condition) -%}
        {{ headwater.audience_error(path, "wants a condition") }}
    {%- endif -%}
    {%- if condition is mapping and 'engaged' in condition -%}
        {%- do headwater._journey_only(condition, ['engaged'], path) -%}
        {%- if condition['engaged'] is not mapping -%}
            {{ headwater.audience_error(path ~ '.engaged', "wants {touchpoint: the name of a step, kind: opened}") }}
        {%- endif -%}
        {%- do headwater._journey_only(condition['engaged'], headwater.definition_keys('engaged'), path ~ '.engaged') -%}
        {%- set kinds = headwater.definition_keys('engagements') -%}
        {%- do headwater._journey_only([condition['engaged'].get('kind', 'opened')], kinds, path ~ '.engaged.kind') -%}
        {%- set touchpoints = nodes | selectattr('type', 'equalto', 'touchpoint') | map(attribute='name') | list -%}
        {%- set named = condition['engaged'].get('touchpoint') -%}
        {%- if named not in touchpoints -%}
            {{ headwater.audience_error(path ~ '.engaged', "no touchpoint '" ~ named ~ "' comes before" ~ (headwater.nearest(named, touchpoints) or '.')
                ~ (" There are " ~ touchpoints | join(', ') if touchpoints else " None does")) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(condition) }}
{%- endmacro %}

{% macro _journey_only(given, allowed, path) -%}
    {%- for key in given if key not in allowed -%}
        {{ headwater.audience_error(path, "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) }}
    {%- endfor -%}
{%- endmacro %}
