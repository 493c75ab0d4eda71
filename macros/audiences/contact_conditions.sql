{#- Expression: people whose answer counts: `consent: {channel: email, purpose: marketing, state: opted_in}`; opted_out, or never_asked for nobody's
    answer. `suppressed: {channel: email, reason: hard_bounce}` is who must not be contacted, on this channel or on all. -#}
{% macro consent_predicate(context, kind, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, [kind], path) -%}
    {%- set wanted = condition[kind] -%}
    {%- if context.entity != 'person' or wanted is not mapping or 'channel' not in wanted -%}
        {%- do headwater.note_problem(context, path, "wants {channel: email" ~ (", purpose: marketing, state: opted_in" if kind == 'consent' else ", reason: hard_bounce") ~ "}, of people") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, wanted, headwater.definition_keys(kind ~ '_what'), path) -%}
    {%- set channels = headwater.consent_channels() | list -%}
    {%- set reasons = ['hard_bounce', 'complaint', 'unsubscribed', 'erasure'] -%}
    {%- set words = {
        'channel': channels, 'purpose': headwater.consent_purposes(), 'state': ['opted_in', 'opted_out', 'never_asked'], 'reason': reasons,
    } -%}
    {%- for key, value in wanted.items() if key in words and value not in words[key] -%}
        {%- do headwater.note_problem(context, path ~ '.' ~ key, "'" ~ value ~ "' is not one of " ~ words[key] | join(', ') ~ headwater.nearest(value, words[key])) -%}
    {%- endfor -%}
    {%- if kind == 'suppressed' -%}
        {%- set wheres = ["rules.channel in ('all', " ~ headwater.string_literal(wanted['channel']) ~ ')'] -%}
        {%- if 'reason' in wanted -%}
            {%- do wheres.append('rules.reason = ' ~ headwater.string_literal(wanted['reason'])) -%}
        {%- endif -%}
        {%- if 'since' in wanted -%}
            {%- do wheres.append(headwater.comparison(context, 'rules.since', 'time', wanted['since'], path ~ '.since')) -%}
        {%- endif -%}
        {{ return(headwater.in_keys('candidates.profile_id', 'rules.profile_id', headwater.model_ref('profile_suppressions', context) ~ ' as rules where ' ~ wheres | join(' and '))) }}
    {%- endif -%}
    {%- set state = wanted.get('state', 'opted_in') -%}
    {%- set wheres = [
        'answers.channel = ' ~ headwater.string_literal(wanted['channel']),
        'answers.purpose = ' ~ headwater.string_literal(wanted.get('purpose', 'marketing')),
    ] -%}
    {%- if state != 'never_asked' -%}
        {%- do wheres.append('answers.state = ' ~ headwater.string_literal(state)) -%}
    {%- endif -%}
    {%- if 'recorded' in wanted -%}
        {%- do wheres.append(headwater.comparison(context, 'answers.recorded_at', 'time', wanted['recorded'], path ~ '.recorded')) -%}
    {%- endif -%}
    {{ return(headwater.in_keys(
        'candidates.profile_id', 'answers.profile_id', headwater.model_ref('profile_consent', context) ~ ' as answers where ' ~ wheres | join(' and '), negated=state == 'never_asked'
    )) }}
{%- endmacro %}

{#- Value: the table of a model as the last build left it, without a ref: what it holds comes of audiences, so none can wait for it. None where
    it is not there yet. -#}
{% macro as_last_built(context, name, path) -%}
    {%- if not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set node = headwater.node_named(name) -%}
    {%- if not node -%}
        {%- set names = [] -%}
        {%- for other in graph.get('nodes', {}).values() if other.resource_type == 'model' and other.name.split('_')[0] == name.split('_')[0] -%}
            {%- do names.append(other.name) -%}
        {%- endfor -%}
        {%- do headwater.note_problem(context, path, "there is no model '" ~ name ~ "'" ~ headwater.nearest(name, names)) -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(none if headwater.is_offline() else adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias)) }}
{%- endmacro %}

{#- Expression: members since or until a time, as the last build left it: `member_of: audience_x` with `entered: {older_than: 30 days}`, who are
    inside, or `left: {within: 7 days}`, who were; `at: 2026-10-01`, who were members then; `stayed: {">=": 30}`, days of one stay, over or not;
    `stays: {">=": 2}`, how often they were. -#}
{% macro stay_predicate(context, condition, path) -%}
    {%- set wheres = ["stays.entity = " ~ headwater.string_literal(context.entity), 'stays.audience_name = ' ~ headwater.string_literal(condition['member_of'])] -%}
    {%- set having = '' -%}
    {%- if 'left' in condition or 'entered' in condition -%}
        {%- do wheres.append('stays.exited_at is ' ~ ('not ' if 'left' in condition else '') ~ 'null') -%}
    {%- endif -%}
    {%- for key, column in [('entered', 'entered_at'), ('left', 'exited_at')] if key in condition -%}
        {%- do wheres.append(headwater.comparison(context, 'stays.' ~ column, 'time', condition[key], path ~ '.' ~ key)) -%}
    {%- endfor -%}
    {%- if 'at' in condition -%}
        {%- set instant = headwater.moment(context, condition['at']) -%}
        {%- if not instant or condition | select('in', ['left', 'entered']) | list -%}
            {%- do headwater.note_problem(context, path ~ '.at', "wants a date or time, or 30 days ago, alone beside the audience") -%}
        {%- else -%}
            {%- do headwater._note_to_come(context, condition['at'], headwater._datetime_of(instant) > headwater.now_value(), path ~ '.at') -%}
            {%- set at = headwater.timestamp_literal(instant) -%}
            {%- do wheres.append('stays.entered_at <= ' ~ at ~ ' and (stays.exited_at is null or stays.exited_at > ' ~ at ~ ')') -%}
        {%- endif -%}
    {%- endif -%}
    {%- if 'stayed' in condition -%}
        {%- set days = headwater.seconds_between('stays.entered_at', 'coalesce(stays.exited_at, ' ~ headwater.cdp_now() ~ ')') ~ ' / 86400.0' -%}
        {%- do wheres.append(headwater.comparison(context, days, 'number', condition['stayed'], path ~ '.stayed')) -%}
    {%- endif -%}
    {%- if 'stays' in condition -%}
        {%- set having = headwater.comparison(context, 'count(*)', 'number', condition['stays'], path ~ '.stays') -%}
    {%- endif -%}
    {%- set table = headwater.as_last_built(context, 'audience_memberships', path) -%}
    {%- if table is none -%}
        {{ return('false') }}
    {%- endif -%}
    {%- if 'entered' not in condition -%}
        {%- do wheres.append("coalesce(stays.exit_reason, 'left') <> 'merged'") -%}
    {%- endif -%}
    {{ return(headwater.in_keys(context.candidate_key, 'stays.entity_id', table ~ ' as stays where ' ~ wheres | join(' and '), having)) }}
{%- endmacro %}

{#- Relation-shaped query in brackets: the entries of a journey that somebody has left, by who they are now. Where one of two merged people had left, both are. -#}
{% macro _entries_left(log, aliases, entity) -%}
    {%- set key = headwater.audience_entities()[entity].key -%}
    {{ return(
        '(select distinct coalesce(became.live_id, exits.' ~ key ~ ') as ' ~ key ~ ', exits.entry_number from ' ~ log ~ ' as exits left join ' ~ aliases
        ~ ' as became on exits.' ~ key ~ " = became.old_id and became.entity = '" ~ entity ~ "' where exits.node_type = 'exit')"
    ) }}
{%- endmacro %}

{#- Expression: people or companies in a journey, as the last build left it: inside now, or with `step: name` those who reached it, and `happened: {within: 7 days}`
    when they entered or reached it. -#}
{% macro in_journey_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, headwater.definition_keys('in_journey'), path) -%}
    {%- set name = condition['in_journey'] -%}
    {%- if context.entity not in ['person', 'account'] or name is not string or not modules.re.fullmatch('journey_[a-z0-9_]+', name) -%}
        {%- do headwater.note_problem(context, path, "wants the name of one journey model, journey_..., of people or companies, not '" ~ name ~ "'") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set key = context.key -%}
    {%- if execute and headwater.key_of_journey(name) != key -%}
        {%- do headwater.note_problem(context, path, name ~ " is a journey of " ~ ("companies; put it into account: {in_journey: " if context.entity == 'person' else "people; put it into contacts: {who: {in_journey: ")
            ~ name ~ ('}' if context.entity == 'person' else '}}')) -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set wheres = ['steps.node in (' ~ headwater._step_names(context, name, condition.get('step', 'entry'), none, path ~ '.step') ~ ')'] -%}
    {%- if 'outcome' in condition -%}
        {%- if 'step' not in condition -%}
            {%- do headwater.note_problem(context, path ~ '.outcome', "wants step: beside it, the one whose outcome it is, or exit") -%}
        {%- endif -%}
        {%- do wheres.append(headwater._outcome_told(context, name, condition.get('step'), condition['outcome'], path ~ '.outcome')) -%}
    {%- endif -%}
    {%- if 'happened' in condition -%}
        {%- do wheres.append(headwater.comparison(context, 'steps.happened_at', 'time', condition['happened'], path ~ '.happened')) -%}
    {%- endif -%}
    {#- Before any return: dbt reads refs while it parses, when no table is known. -#}
    {%- set aliases = headwater.model_ref('identity_aliases', context) -%}
    {%- set log = headwater.as_last_built(context, name, path) -%}
    {%- if log is none -%}
        {{ return('false') }}
    {%- endif -%}
    {%- if 'step' not in condition -%}
        {%- do wheres.append('left_at.' ~ key ~ ' is null') -%}
    {%- endif -%}
    {{ return(headwater.in_keys(
        context.candidate_key, 'coalesce(successors.live_id, steps.' ~ key ~ ')',
        log ~ ' as steps left join ' ~ aliases ~ ' as successors on steps.' ~ key ~ " = successors.old_id and successors.entity = '" ~ context.entity ~ "'"
        ~ ' left join ' ~ headwater._entries_left(log, aliases, context.entity) ~ ' as left_at'
        ~ ' on coalesce(successors.live_id, steps.' ~ key ~ ') = left_at.' ~ key ~ ' and steps.entry_number = left_at.entry_number where ' ~ wheres | join(' and ')
    )) }}
{%- endmacro %}

{#- Values: every name that a step of a journey has had, of those `types` where they are told. A name that its definition does not have is noted:
    nobody, or everybody but them, would be found. -#}
{% macro _step_names(context, journey, step, types, path) -%}
    {%- if step is not string -%}
        {%- do headwater.note_problem(context, path, "wants the name of one step, not '" ~ step ~ "'") -%}
        {{ return('null') }}
    {%- endif -%}
    {%- if types is none and step in ['entry', 'exit'] -%}
        {{ return(headwater.string_literal(step)) }}
    {%- elif headwater.journey_mistakes(journey) -%}
        {%- do headwater.note_problem(context, path, headwater.why_it_waits(journey)) -%}
        {{ return('null') }}
    {%- endif -%}
    {%- set names, definition = [step], headwater.journey_definition(journey) -%}
    {%- if definition -%}
        {%- set nodes = headwater.journey_nodes(definition) -%}
        {%- set allowed = ((nodes | selectattr('type', 'in', types)) if types else nodes) | map(attribute='name') | list -%}
        {%- set past = definition.get('removed') or [] -%}
        {%- if step not in allowed + (past if past is not string else [past]) -%}
            {%- do headwater.note_problem(context, path, "'" ~ step ~ "' is no " ~ (types | join(', ') if types else 'step') ~ " of " ~ journey ~ " (it has " ~ allowed | join(', ') ~ ")" ~ headwater.nearest(step, allowed)) -%}
        {%- endif -%}
        {%- do names.extend(headwater._journey_names_ever(definition, headwater.journey_with_copies(nodes, [step]))[1:]) -%}
    {%- endif -%}
    {%- set quoted = [] -%}
    {%- for name in names -%}
        {%- do quoted.append(headwater.string_literal(name)) -%}
    {%- endfor -%}
    {{ return(quoted | join(', ')) }}
{%- endmacro %}

{#- Expression, boolean: a step's outcome, compared. One that the step cannot have, and never had by the log, is noted: nobody would be found. The log
    itself is no ref of an audience, so that what it holds is asked as the last build left it. -#}
{% macro _outcome_told(context, journey, step, told, path) -%}
    {%- set operators = told if told is mapping else {'in': told} if told is iterable and told is not string else {'equals': told} -%}
    {%- set possible = headwater._outcomes_of(journey, step) -%}
    {%- for operator, value in operators.items() if possible and operator in ['equals', 'in', 'not_equals', 'not_in'] -%}
        {%- for one in ([value] if value is string else value if value is iterable and value is not mapping else []) if one is string and one not in possible -%}
            {%- set log = headwater.as_last_built(context, journey, path) -%}
            {%- set had = run_query('select 1 as one from ' ~ log ~ ' where node = ' ~ headwater.string_literal(step) ~ ' and outcome = ' ~ headwater.string_literal(one) ~ ' limit 1') if log else [] -%}
            {%- if had | length == 0 -%}
                {%- do headwater.note_problem(context, path, "'" ~ one ~ "' is no outcome of " ~ step ~ " (it has " ~ possible | join(', ') ~ ")" ~ headwater.nearest(one, possible)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(headwater.comparison(context, 'steps.outcome', 'text', operators, path)) }}
{%- endmacro %}

{#- Value: the outcomes that a step of a journey may have; none where its definition is not known, as while dbt parses. -#}
{% macro _outcomes_of(journey, step) -%}
    {%- set definition = headwater.journey_definition(journey) if execute and step is string else none -%}
    {%- if not definition or headwater.journey_mistakes(journey) -%}
        {{ return(none) }}
    {%- elif step in ['entry', 'exit'] -%}
        {{ return(['entered'] if step == 'entry' else ['exit_when', 'goal', 'exit', 'finished', 'held_out', 'was_there']) }}
    {%- endif -%}
    {%- set node = headwater.journey_nodes(definition) | selectattr('name', 'equalto', step) | first | default(none) -%}
    {%- if not node or node.type == 'exit' -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return({
        'touchpoint': ['due', 'dropped_quiet', 'dropped_capped', 'dropped_calendar'] + (['written', 'nobody'] if definition.get('entity') == 'account' else []),
        'wait': ['happened', 'timeout'] if node.condition else ['waited', 'no_date'],
        'branch': ['yes', 'no'],
        'goal': ['reached', 'missed'],
        'split': (node.get('arms') or []) | map(attribute='name') | list,
    }[node.type] + ['skipped']) }}
{%- endmacro %}

{#- Expression: whom a destination accepted: `was_sent: {sync: mailer_lapsed_buyers}` or `{journey: journey_welcome, step: mail}`, with within, between or
    during and at_least, at_most or exactly. -#}
{% macro was_sent_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, headwater.definition_keys('was_sent'), path) -%}
    {%- set wanted = condition['was_sent'] -%}
    {%- if wanted is not mapping or not wanted -%}
        {%- do headwater.note_problem(context, path, "wants {sync: a name} or {journey: a name, step: a name}") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, wanted, headwater.definition_keys('was_sent_what'), path) -%}
    {%- if 'step' in wanted and 'journey' not in wanted -%}
        {%- do headwater.note_problem(context, path ~ '.step', "wants journey: beside it") -%}
    {%- endif -%}
    {%- set wheres = ["acknowledged.action in ('add', 'change')"] -%}
    {%- if 'sync' in wanted -%}
        {#- What was sent is kept under the id of a sync, which is its name unless it says another. -#}
        {%- set ids = {} -%}
        {%- for exposure in (graph.get('exposures', {}).values() if execute else []) -%}
            {%- set sync = (exposure.config.get('meta') or {}).get('sync') -%}
            {%- if sync is mapping -%}
                {%- do ids.update({exposure.name: sync.get('id') or exposure.name}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if ids and wanted['sync'] not in ids and wanted['sync'] not in ids.values() -%}
            {%- do headwater.note_problem(context, path ~ '.sync', "there is no sync '" ~ wanted['sync'] ~ "'" ~ headwater.nearest(wanted['sync'], ids)) -%}
        {%- endif -%}
        {%- do wheres.append('acknowledged.sync_name = ' ~ headwater.audience_literal(context, ids.get(wanted['sync'], wanted['sync']), 'text', path ~ '.sync')) -%}
    {%- endif -%}
    {#- Before any return: dbt reads refs while it parses, when no table is known. -#}
    {%- set acknowledgements, aliases = headwater.model_ref('stg_sync__acknowledgements', context), headwater.model_ref('identity_aliases', context) -%}
    {%- set touched = [] -%}
    {%- for journey in ([wanted['journey']] if 'journey' in wanted else headwater.registry('journeys') if context.entity in ['person', 'account'] else []) -%}
        {%- set log = headwater.as_last_built(context, journey, path ~ '.journey') -%}
        {#- Of a journey of companies the company was sent what a contact was, and a person what they themselves were. -#}
        {%- set has_key = context.entity == 'person' or not execute or headwater.key_of_journey(journey) == context.key -%}
        {%- if 'journey' in wanted and not has_key -%}
            {%- do headwater.note_problem(context, path ~ '.journey', wanted['journey'] ~ " is a journey of " ~ ('people; put it into contacts: {who: {was_sent: ...}}' if context.entity == 'account'
                else 'people or companies, and this is an audience of entity ' ~ context.entity)) -%}
        {%- elif log and has_key -%}
            {%- do touched.append('select touchpoint_id, ' ~ context.key ~ ' as sent_id, node from ' ~ log ~ ' where touchpoint_id is not null and ' ~ context.key ~ ' is not null') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if execute and context.entity == 'person' and 'journey' in wanted and headwater.key_of_journey(wanted['journey']) == 'account_id'
        and wanted.get('step') is string and not headwater._journey_goes_to_contacts(wanted['journey'], [wanted['step']]) -%}
        {%- do headwater.note_problem(context, path ~ '.step', wanted['step'] ~ " is a task for the company; put it into account: {was_sent: ...}") -%}
    {%- endif -%}
    {%- set event = {'name': 'was_sent', 'time': 'sent_at', 'counted': 'distinct events.send_id'} -%}
    {%- set having, is_negated = headwater._having(context, event, condition, path) -%}
    {%- set window = headwater._in_window('events.sent_at', headwater.event_window(context, condition, path)) -%}
    {%- if 'journey' in wanted and not touched -%}
        {{ return('true' if is_negated else 'false') }}
    {%- endif -%}
    {%- set entity_id = dbt.split_part('acknowledged.sync_key', "'|'", 1) -%}
    {%- set touches = (' left join (' ~ touched | join(' union all ') ~ ') as touches on acknowledged.sync_key = touches.touchpoint_id') if touched else '' -%}
    {%- if 'journey' in wanted -%}
        {%- do wheres.append('touches.touchpoint_id is not null') -%}
    {%- endif -%}
    {%- if 'step' in wanted -%}
        {%- do wheres.append('touches.node in (' ~ headwater._step_names(context, wanted['journey'], wanted['step'], ['touchpoint'], path ~ '.step') ~ ')') -%}
    {%- endif -%}
    {%- set sent_to = ('coalesce(touches.sent_id, ' ~ entity_id ~ ')') if touched else entity_id -%}
    {%- set rows = '(select coalesce(successors.live_id, sent.entity_id) as entity_key, sent.send_id, sent.sent_at from (select ' ~ sent_to ~ ' as entity_id, '
        ~ dbt.concat(['acknowledged.sync_name', "'|'", 'acknowledged.sync_key', "'|'", 'acknowledged.run_id']) ~ ' as send_id, acknowledged.acknowledged_at as sent_at from '
        ~ acknowledgements ~ ' as acknowledged' ~ touches ~ ' where ' ~ wheres | join(' and ') ~ ') as sent left join ' ~ aliases
        ~ ' as successors on sent.entity_id = successors.old_id and successors.entity = ' ~ headwater.string_literal(context.entity) ~ ')' -%}
    {{ return(headwater.in_keys(context.candidate_key, 'events.entity_key', rows ~ ' as events where ' ~ window, having, is_negated)) }}
{%- endmacro %}
