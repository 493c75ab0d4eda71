{#- Value: the steps of a journey's definition as a flat list in the order people meet them, each
    {name, type, path, sources: [{node, outcome}], condition, duration, destination, channel, template, to_contacts}. Mistakes are noted in `problems`; where
    there is no such list they stop. A definition that was built by (`was_built`) may lack a template: it was not asked for once. -#}
{% macro journey_nodes(parsed, problems=none, was_built=false) -%}
    {%- set walk = {'problems': [] if problems is none else problems, 'nodes': [], 'outs': [], 'was_built': was_built} -%}
    {%- do headwater.note_unknown_keys(walk, parsed, headwater.definition_keys('journey'), '') -%}
    {%- do headwater.note_unknown_keys(walk, [parsed.get('entity', 'person')], ['person', 'account'], 'entity') -%}
    {%- set audience = (parsed['entry'] if parsed.get('entry') is mapping else {}).get('audience') -%}
    {%- set problem = headwater.wrong_entity(audience, headwater.journey_entity(parsed)) if audience is string and parsed.get('entity', 'person') in ['person', 'account'] else '' -%}
    {%- if problem -%}
        {%- do headwater.note_problem(walk, 'entry.audience', problem ~ (", or say entity: account, and companies go through the journey" if headwater.journey_entity(parsed) == 'person' else '')) -%}
    {%- endif -%}
    {%- if parsed.get('steps') is none or (parsed['steps'] is iterable and not parsed['steps']) -%}
        {%- do headwater.note_problem(walk, 'steps', "wants a step or more, each behind a dash; without any nobody is sent anything") -%}
    {%- else -%}
        {%- do walk.outs.extend(headwater._journey_steps(parsed['steps'], [{'node': 'entry', 'outcome': none}], walk, 'steps')) -%}
    {%- endif -%}
    {%- set ends = [] -%}
    {%- for way in walk.outs -%}
        {%- if 'jump' in way -%}
            {%- set later = walk.nodes[way.after:] -%}
            {%- set targets = later | selectattr('name', 'equalto', way.jump) | list -%}
            {%- if targets -%}
                {%- do targets[0].update({'sources': targets[0].sources + way.sources}) -%}
            {%- else -%}
                {%- set names = later | map(attribute='name') | select | list -%}
                {%- do headwater.note_problem(walk, way.path, "wants {to: the name of a step that stands later}, not '" ~ way.jump ~ "' (" ~ ("later stand " ~ names | join(', ') if names else "none stands later") ~ "); repeat: goes back"
                    ~ headwater.nearest(way.jump, names)) -%}
            {%- endif -%}
        {%- else -%}
            {%- do ends.append(way) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ends -%}
        {#- All ways out that have no name of their own are one node. -#}
        {%- do walk.nodes.append({'name': 'exit', 'type': 'exit', 'sources': ends, 'condition': none}) -%}
    {%- endif -%}
    {%- do headwater._journey_check_exit_when(parsed, walk) -%}
    {%- do headwater.check_journey_contacts(parsed, walk) -%}
    {%- do headwater._journey_note_contacts(parsed, walk) -%}
    {%- do headwater._journey_check_edits(parsed, walk) -%}
    {%- do headwater.stop_for(walk.problems) if problems is none -%}
    {{ return(walk.nodes) }}
{%- endmacro %}

{#- Nothing: notes an exit_when that everybody meets who comes in, and so a journey that sends nothing. -#}
{% macro _journey_check_exit_when(parsed, walk) -%}
    {%- set told = parsed.get('exit_when') -%}
    {%- for one in ((told.get('any') if told.get('any') is not none and told.get('any') is not string and told.get('any') is not mapping else none) or [told] if told is mapping else []) if one is mapping -%}
        {%- if 'did' in one and one.get('since', 'entry') == 'entry' and not one | select('in', ['within', 'between', 'during']) | list
            and (one.get('exactly') == 0 or ('at_most' in one and 'at_least' not in one)) -%}
            {%- do headwater.note_problem(walk, 'exit_when', "everybody meets it at the entry, as what came before does not count; wait for it: {until: {did: " ~ one['did'] ~ "}, timeout: 30 days}, or say since: ever") -%}
        {%- elif 'member_of' in one and one | length == 1 and parsed.get('entry') is mapping and one['member_of'] == parsed['entry'].get('audience') -%}
            {%- do headwater.note_problem(walk, 'exit_when', "everybody meets it at the entry, being a member of " ~ one['member_of'] ~ "; for who is none any more say not: {member_of: " ~ one['member_of'] ~ "}") -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: where a list of steps leads on to. What is found is added to `walk`: nodes, outs (ways that end before the others) and problems. -#}
{% macro _journey_steps(steps, sources, walk, path) -%}
    {%- if steps is mapping or steps is string or steps is not iterable -%}
        {%- do headwater.note_problem(walk, path, "wants a list of steps, each behind a dash") -%}
        {{ return(sources) }}
    {%- endif -%}
    {%- set at = namespace(sources=sources) -%}
    {%- for step in steps -%}
        {%- if not at.sources and not (headwater._journey_is_jumped_to(step, walk.outs)) -%}
            {%- do headwater.note_problem(walk, path ~ '[' ~ loop.index ~ ']', "is a step that nobody comes to: every way before it has an exit or a jump at its end") -%}
        {%- endif -%}
        {%- set at.sources = headwater._journey_step(step, at.sources, walk, path ~ '[' ~ loop.index ~ ']') -%}
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

{% macro _journey_step(step, sources, walk, path) -%}
    {%- set types = headwater.definition_keys('steps') -%}
    {%- set written = ['(task)', '(copy of)', '(at)', '(in)', '(asked)'] -%}
    {%- set path = step.get('(at)', path) if step is mapping else path -%}
    {%- set found = step | select('in', types) | list if step is mapping else [] -%}
    {%- if found | length != 1 -%}
        {%- do headwater.note_problem(walk, path, "wants one step, of " ~ types | join(', ') ~ headwater._nearest_step(step, types)) -%}
        {{ return(sources) }}
    {%- endif -%}
    {%- set type, name = found[0], step.get('name') -%}
    {%- do headwater.note_unknown_keys(walk, step | reject('in', written) | list, ['name', type], path) -%}
    {%- set body, path = step[type], step.get('(in)', path ~ '.' ~ type) -%}
    {%- if type in ['repeat', 'task'] or (type == 'branch' and body is mapping and 'cases' in body) -%}
        {{ return(headwater._journey_steps(headwater.journey_written_out(step, type, path, walk), sources, walk, path)) }}
    {%- elif type == 'jump' -%}
        {%- do walk.outs.append({'jump': body['to'] if body is mapping and body | list == ['to'] else none, 'sources': sources, 'path': path, 'after': walk.nodes | length}) -%}
        {{ return([]) }}
    {%- endif -%}
    {%- if body is not mapping or (type == 'exit' and body) -%}
        {%- do headwater.note_problem(walk, path, "wants {}, since it takes nothing" if type == 'exit' else "wants a mapping, such as {for: 3 days} of a wait") -%}
        {{ return([] if type == 'exit' else sources) }}
    {%- endif -%}
    {%- if name is not none -%}
        {%- do headwater._journey_check_name(name, walk, path) -%}
    {%- endif -%}
    {%- if type == 'exit' -%}
        {%- do headwater._journey_out(name, sources, walk) -%}
        {{ return([]) }}
    {%- elif not name -%}
        {#- A place in the list is no name: whatever is inserted before it would make it another step, to be taken again. -#}
        {%- do headwater.note_problem(walk, path, "wants a name: beside it, which the log keeps for ever, such as name: first_" ~ type) -%}
    {%- endif -%}
    {%- set node = {'name': (name or '') | string, 'type': type, 'path': path, 'sources': sources, 'condition': none, 'is_copy_of': step.get('(copy of)')} -%}
    {%- do walk.nodes.append(node) -%}
    {%- set asked = {'wait': 'until', 'branch': 'if'}.get(type) -%}
    {%- if type in ['branch', 'goal'] or (type == 'wait' and 'until' in body) -%}
        {%- set asked_at = step.get('(asked)', path ~ ('.' ~ asked if asked)) -%}
        {%- do node.update({'condition': headwater._journey_checked(body.get(asked) if asked else body, walk, asked_at), 'asked_at': asked_at}) -%}
    {%- endif -%}
    {%- if type == 'touchpoint' -%}
        {%- do headwater._journey_check_touchpoint(body, '(task)' in step, walk, path) -%}
        {%- do node.update({'when_not_allowed': 'delay', 'is_task': '(task)' in step}) -%}
        {%- do node.update(body) -%}
    {%- elif type == 'wait' -%}
        {%- set clock = headwater._journey_wait_clock(body, path, walk) -%}
        {%- do headwater.note_unknown_keys(walk, body, headwater.definition_keys('wait'), path) -%}
        {%- if not clock and body | list | sort not in [['for'], ['timeout', 'until']] -%}
            {%- do headwater.note_problem(walk, path, "wants {for: a duration}, {until: a condition, timeout: a duration}, {time: '09:00', weekday: monday} or {date: a trait, before: 3 days}, not " ~ body | join(', ')) -%}
        {%- elif not clock -%}
            {%- do node.update({'duration': headwater._journey_length(body.get('for') or body.get('timeout'), path, walk)}) -%}
        {%- endif -%}
        {%- do node.update({'clock': clock}) -%}
    {%- elif type == 'split' -%}
        {%- do node.update({'arms': headwater._journey_arms(body, path, walk)}) -%}
    {%- elif type == 'branch' -%}
        {%- do headwater.note_unknown_keys(walk, body, headwater.definition_keys('branch'), path) -%}
    {%- endif -%}
    {{ return(headwater._journey_ways_on(node, body, walk)) }}
{%- endmacro %}

{#- Value: where a step leads on to; the steps of its branches and arms are walked. -#}
{% macro _journey_ways_on(node, body, walk) -%}
    {%- set name, path = node.name, node.path -%}
    {%- if node.type == 'goal' -%}
        {%- do walk.outs.append({'node': name, 'outcome': 'reached', 'way_out': 'goal'}) -%}
        {#- `skipped` leads on wherever a node's outcome decides the way. -#}
        {{ return([{'node': name, 'outcome': 'missed'}, {'node': name, 'outcome': 'skipped'}]) }}
    {%- elif node.type == 'split' -%}
        {%- set ends = [] -%}
        {%- for arm in node.arms -%}
            {%- do ends.extend(headwater._journey_steps(arm.steps, [{'node': name, 'outcome': arm.name}], walk, path ~ '.' ~ arm.name ~ '.steps')) -%}
        {%- endfor -%}
        {{ return(ends + ([{'node': name, 'outcome': 'skipped'}] if ends else [])) }}
    {%- elif node.type == 'branch' -%}
        {%- set yes = headwater._journey_steps(body.get('then') or [], [{'node': name, 'outcome': 'yes'}], walk, path ~ '.then') -%}
        {%- set no = headwater._journey_steps(body.get('else') or [], [{'node': name, 'outcome': 'no'}], walk, path ~ '.else') -%}
        {{ return(yes + no + ([{'node': name, 'outcome': 'skipped'}] if yes or no else [])) }}
    {%- endif -%}
    {{ return([{'node': name, 'outcome': none}]) }}
{%- endmacro %}

{#- Text: the type of step that a mistyped key is near. -#}
{% macro _nearest_step(step, types) -%}
    {%- for key in (step if step is mapping else []) if key != 'name' and headwater.nearest(key, types) -%}
        {{ return(", not '" ~ key ~ "'" ~ headwater.nearest(key, types)) }}
    {%- endfor -%}
    {{ return('') }}
{%- endmacro %}

{#- Nothing: notes what is wrong with a touchpoint, or a task. An ad is made at the destination, and has no template of ours. -#}
{% macro _journey_check_touchpoint(body, is_task, walk, path) -%}
    {%- set channels, channel = headwater.consent_channels() | list, body.get('channel') -%}
    {%- do headwater.note_unknown_keys(walk, body, headwater.definition_keys('touchpoint'), path) -%}
    {%- set wanted = ['destination'] + ([] if is_task else ['channel']) + ([] if walk.was_built or (channel == 'ads' and not is_task) else ['template']) -%}
    {%- set mistyped = [] -%}
    {%- for key in body if key not in headwater.definition_keys('touchpoint') -%}
        {%- do mistyped.append(headwater.nearest(key, headwater.definition_keys('touchpoint'))) -%}
    {%- endfor -%}
    {%- for key in wanted if (body.get(key) is not string or not body[key] | trim) and "'" ~ key ~ "'" not in mistyped | join -%}
        {%- do headwater.note_problem(walk, path ~ ('.' ~ key if key in body), "wants " ~ wanted | join(' and ' if wanted | length == 2 else ', ') ~ ", and has no " ~ key
            ~ (" that is a text, but '" ~ body[key] ~ "'" if body.get(key) else '')) -%}
    {%- endfor -%}
    {%- if body.get('destination') is string -%}
        {%- do headwater.check_destination(body['destination'], path ~ '.destination', walk) -%}
    {%- endif -%}
    {%- if channel is string and not is_task -%}
        {%- do headwater.note_unknown_keys(walk, [channel], channels, path ~ '.channel') -%}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(walk, [body.get('when_not_allowed', 'delay')], ['delay', 'drop', 'send'], path ~ '.when_not_allowed') -%}
{%- endmacro %}

{% macro _journey_length(text, path, walk) -%}
    {%- set problem = headwater._duration_problem(text, 1) -%}
    {%- if problem -%}
        {%- do headwater.note_problem(walk, path, problem) -%}
        {{ return({'amount': 1, 'unit': 'day'}) }}
    {%- endif -%}
    {{ return(headwater.audience_duration(text, path)) }}
{%- endmacro %}

{#- Nothing: notes a name that cannot be one. What a step is says its type, never its name; the log's own two words are taken. -#}
{% macro _journey_check_name(name, walk, path) -%}
    {%- if name is not string or name in (walk.nodes | map(attribute='name')) or name in ['entry', 'exit']
        or modules.re.fullmatch('[a-z][a-z0-9_]{0,99}', name) is none -%}
        {%- do headwater.note_problem(walk, path, "name '" ~ name ~ "' must be new, of small letters, digits and underscores, at most 100, and not entry or exit") -%}
    {%- endif -%}
{%- endmacro %}

{#- Nothing: people leave here, by a node of the step's own name or by the one of all. -#}
{% macro _journey_out(name, sources, walk) -%}
    {%- set ways = [] -%}
    {%- for source in sources -%}
        {%- do ways.append({'node': source.node, 'outcome': source.outcome, 'way_out': 'exit'}) -%}
    {%- endfor -%}
    {%- if name -%}
        {%- do walk.nodes.append({'name': name | string, 'type': 'exit', 'sources': ways, 'condition': none}) -%}
    {%- else -%}
        {%- do walk.outs.extend(ways) -%}
    {%- endif -%}
{%- endmacro %}

{#- Nothing: notes what is wrong in renamed {new: old or [old, ...]}, removed [old, ...], inserted {step: newcomers | everybody}, migrate [version]. -#}
{% macro _journey_check_edits(parsed, walk) -%}
    {%- set names = walk.nodes | rejectattr('type', 'equalto', 'exit') | map(attribute='name') | list -%}
    {%- set lists = {} -%}
    {%- for key, wanted in [('migrate', "a list of versions whose people go on by this definition, such as [v3f2a90c1]; sync journey show has them"),
            ('removed', "a list of names that steps had, such as [old_step]")] -%}
        {%- set told = parsed.get(key) or [] -%}
        {%- set is_list = told is not string and told is not mapping and told is iterable -%}
        {%- do headwater.note_problem(walk, key, "wants " ~ wanted) if not is_list -%}
        {%- do lists.update({key: told if is_list else []}) -%}
    {%- endfor -%}
    {%- for one in lists.migrate if one is not string or not modules.re.fullmatch('v[0-9a-f]{8}(_[0-9]+)?', one) -%}
        {%- do headwater.note_problem(walk, 'migrate', "'" ~ one ~ "' is no version, such as v3f2a90c1; sync journey show has them") -%}
    {%- endfor -%}
    {%- set mappings = {} -%}
    {%- for key, wanted in [('renamed', "{new name: old name}"), ('inserted', "{step: newcomers or everybody}")] -%}
        {%- set told = parsed.get(key) or {} -%}
        {%- do headwater.note_problem(walk, key, "wants " ~ wanted) if told is not mapping -%}
        {%- do mappings.update({key: told if told is mapping else {}}) -%}
        {%- for step in mappings[key] if step not in names -%}
            {%- do headwater.note_problem(walk, key, "'" ~ step ~ "' is no step (there are " ~ names | join(', ') ~ ")" ~ headwater.nearest(step, names)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set former = [] -%}
    {%- for new, old in mappings.renamed.items() -%}
        {%- if not old or old is mapping or (old is not string and old is not iterable) -%}
            {%- do headwater.note_problem(walk, 'renamed.' ~ new, "wants the step's old name, or a list of them") -%}
        {%- else -%}
            {%- do former.extend([old] if old is string else old | list) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for old in (former + (lists.removed | list)) | unique -%}
        {%- if old in names -%}
            {%- do headwater.note_problem(walk, 'renamed' if old in former else 'removed', "'" ~ old ~ "' is a step still; give one of the two another name") -%}
        {%- elif (former + (lists.removed | list)).count(old) > 1 -%}
            {%- do headwater.note_problem(walk, 'renamed' if old in former else 'removed', "'" ~ old ~ "' stands there twice") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for step, who in mappings.inserted.items() if step in names -%}
        {%- do headwater.note_unknown_keys(walk, [who], ['newcomers', 'everybody'], 'inserted.' ~ step) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: a condition as it is, none where it is none; {engaged: {touchpoint, kind}} must name a touchpoint that comes before. -#}
{% macro _journey_checked(condition, walk, path) -%}
    {%- if condition is not mapping or not condition -%}
        {%- do headwater.note_problem(walk, path, "wants a condition") -%}
        {{ return(none) }}
    {%- elif 'engaged' not in condition -%}
        {{ return(condition) }}
    {%- endif -%}
    {%- set told, before = condition['engaged'], walk.problems | length -%}
    {%- do headwater.note_unknown_keys(walk, condition, ['engaged'], path) -%}
    {%- if told is not mapping -%}
        {%- do headwater.note_problem(walk, path ~ '.engaged', "wants {touchpoint: the name of a step, kind: opened}") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(walk, told, headwater.definition_keys('engaged'), path ~ '.engaged') -%}
    {%- do headwater.note_unknown_keys(walk, [told.get('kind', 'opened')], headwater.definition_keys('engagements'), path ~ '.engaged.kind') -%}
    {%- set touchpoints = walk.nodes | selectattr('type', 'equalto', 'touchpoint') | map(attribute='name') | list -%}
    {%- set named = told.get('touchpoint') -%}
    {%- if named not in touchpoints -%}
        {%- do headwater.note_problem(walk, path ~ '.engaged', "no touchpoint '" ~ named ~ "' comes before" ~ (headwater.nearest(named, touchpoints) or '.')
            ~ (" There are " ~ touchpoints | join(', ') if touchpoints else " None does")) -%}
    {%- endif -%}
    {{ return(condition if walk.problems | length == before else none) }}
{%- endmacro %}
