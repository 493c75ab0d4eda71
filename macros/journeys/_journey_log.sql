{#- Nothing, or a stop of a build whose log is lost, or that is set to a day before the log's last. `log` is none where there is none yet. -#}
{% macro _journey_check_log(log) -%}
    {%- do headwater._keeps_its_rows('journey') -%}
    {%- if not log -%}
        {{ return(headwater._journey_refuse_lost_log()) }}
    {%- endif -%}
    {%- do headwater.retype_to_boolean(log, 'is_holdout', 'yes') -%}
    {%- for row in run_query(
        'select max(happened_at), sum(case when happened_at > ' ~ headwater.cdp_now() ~ ' then 1 else 0 end) from ' ~ log
    ) if (row[1] or 0) | int and not var('cdp_journeys_allow_earlier_as_of', false) -%}
        {{ headwater.audience_error('', "now is set to " ~ (var('cdp_as_of', none) or env_var('HEADWATER_AS_OF', '') or run_started_at.strftime('%Y-%m-%d %H:%M:%S')) ~ " UTC, but " ~ row[1] | int
            ~ " steps of the log are later, the last of " ~ row[0] ~ ": steps of an earlier day would be in the log for ever. Unset"
            ~ " HEADWATER_AS_OF and cdp_as_of, or try it out in a target of its own; to write them all the same,"
            ~ " --vars '{cdp_journeys_allow_earlier_as_of: true}'") }}
    {%- endfor -%}
{%- endmacro %}

{#- Value: names of the steps that people in the log may have met, {name: true}: of all in it, or of those who entered by one of the versions `ids`. With
    `checks` it stops a definition that lost, moved or changed steps. -#}
{% macro _journey_known(parsed, nodes, log, ids=none, checks=true) -%}
    {%- set met = {} -%}
    {%- set of_version = headwater._journey_of_version(log, headwater.journey_key(parsed), ids) -%}
    {%- for row in run_query(
        "select steps.node, steps.node_type, count(distinct steps." ~ headwater.journey_key(parsed) ~ ") from " ~ log ~ " as steps" ~ of_version.joined ~ " where steps.node_type not in ('entry', 'exit', 'delay')"
        ~ ' group by steps.node, steps.node_type order by 1, 2'
    ) -%}
        {%- do met.setdefault(row[0], {}).update({row[1]: row[2] | int}) -%}
    {%- endfor -%}
    {%- set before = headwater._journey_steps_before(log, of_version.entries) -%}
    {%- if checks -%}
        {%- do headwater._journey_refuse_edits(parsed, nodes, met, before) -%}
    {%- endif -%}
    {%- set known = {} -%}
    {%- for step in (met | list) + (before | map(attribute='name') | list) -%}
        {%- do known.update({headwater._journey_name_now(parsed, step): true}) -%}
    {%- endfor -%}
    {{ return(known) }}
{%- endmacro %}

{#- Value: {joined, entries}: what keeps the rows of a log, `steps`, to those of people who entered by one of the versions `ids`; nothing where there are none. -#}
{% macro _journey_of_version(log, key, ids) -%}
    {%- if not ids -%}
        {{ return({'joined': '', 'entries': ''}) }}
    {%- endif -%}
    {%- set entries = "coalesce(" ~ headwater._journey_version_column(log, 'entered') ~ ", '') in (" ~ headwater.string_literals(ids) ~ ')' -%}
    {{ return({
        'joined': ' inner join (select distinct entered.' ~ key ~ ', entered.entry_number from ' ~ log ~ " as entered where entered.node = 'entry' and " ~ entries
            ~ ') as entered on steps.' ~ key ~ ' = entered.' ~ key ~ ' and steps.entry_number = entered.entry_number',
        'entries': ' and ' ~ entries,
    }) }}
{%- endmacro %}

{#- Nothing, or a stop: a config() behind the macro's call undoes what keeps the table. -#}
{% macro _keeps_its_rows(macro_name) -%}
    {%- if execute and model.resource_type == 'model' and (config.get('materialized') != 'incremental' or config.get('full_refresh') is not false) -%}
        {{ headwater.audience_error('', "config() sets materialized or full_refresh behind " ~ macro_name ~ "(): the table would not outlive a"
            ~ " full refresh; take it out, the macro sets both") }}
    {%- endif -%}
{%- endmacro %}

{#- Nothing, or a stop: the log is of people and the definition of companies, or the other way round. -#}
{% macro _journey_refuse_other_entity(parsed, log) -%}
    {%- set is_of_companies = 'account_id' in (adapter.get_columns_in_relation(log) | map(attribute='name') | map('lower') | list) -%}
    {%- if is_of_companies != (headwater.journey_entity(parsed) == 'account') -%}
        {{ headwater.audience_error('entity', "its log is of " ~ ('companies' if is_of_companies else 'people') ~ ", and the definition of " ~ ('people' if is_of_companies else 'companies')
            ~ ": who is inside cannot become the other; give the new journey a name of its own") }}
    {%- endif -%}
{%- endmacro %}

{#- Nothing, or a stop: the log of a journey whose touchpoints have been sent is not there. -#}
{% macro _journey_refuse_lost_log() -%}
    {%- if model.name in var('cdp_journeys_start_over', []) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set ledger = adapter.get_relation(database=target.database, schema=headwater._sync_schema(), identifier='ledger') -%}
    {%- set syncs = headwater._journey_syncs() if ledger else [] -%}
    {%- if syncs -%}
        {%- for row in run_query(
            'select sync_name, count(distinct sync_key) from ' ~ ledger ~ ' where environment = ' ~ headwater.cdp_environment()
            ~ " and sync_name in ('" ~ syncs | join("', '") ~ "') group by sync_name order by sync_name"
        ) -%}
            {{ headwater.audience_error('', "its log " ~ this ~ " is not there, but sync '" ~ row[0] ~ "' has sent " ~ row[1]
                ~ " of its touchpoints: everybody would start again, and who was merged since would be written to twice. Bring the table back"
                ~ " (a backup, or under the model's former name); to start over all the same, --vars '{cdp_journeys_start_over: ["
                ~ model.name ~ "]}'") }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- Value: names of the syncs that send touchpoints of this journey. -#}
{% macro _journey_syncs() -%}
    {%- set below = [model.unique_id] -%}
    {%- for _ in range(5) -%}
        {%- for node in graph.get('nodes', {}).values() if node.resource_type == 'model' and node.unique_id not in below
            and node.depends_on.nodes | select('in', below) | list -%}
            {%- do below.append(node.unique_id) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for exposure in graph.get('exposures', {}).values() if exposure.depends_on.nodes | select('in', below) | list -%}
        {%- set sync = ((exposure.config or {}).get('meta') or exposure.get('meta') or {}).get('sync') or {} -%}
        {%- if 'touchpoint_id' in (sync.get('key') or []) -%}
            {%- do found.append(exposure.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: the steps, [{name, type}] in their order, that there were when somebody last entered; none in an older log. -#}
{% macro _journey_steps_before(log, entries) -%}
    {%- set steps = [] -%}
    {%- for row in run_query(
        "select entered.template, max(entered.happened_at) from " ~ log ~ " as entered where entered.node = 'entry' and entered.template is not null" ~ entries
        ~ ' group by entered.template order by max(entered.happened_at) desc, entered.template limit 1'
    ) -%}
        {%- for step in row[0].split() -%}
            {%- do steps.append({'name': step.split(':')[0], 'type': step.split(':')[1]}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(steps) }}
{%- endmacro %}

{#- Text: the same of the definition as it is. -#}
{% macro _journey_steps_text(nodes) -%}
    {%- set words = [] -%}
    {%- for node in nodes if node.type != 'exit' -%}
        {%- do words.append(node.name ~ ':' ~ node.type) -%}
    {%- endfor -%}
    {{ return(words | join(' ')) }}
{%- endmacro %}

{#- Nothing, or a stop that names every step that is gone, moved or of another type, how many people have passed it, and what is new. -#}
{% macro _journey_refuse_edits(parsed, nodes, log, before) -%}
    {%- set types = {} -%}
    {%- for node in nodes if node.type != 'exit' -%}
        {%- do types.update({node.name: node.type}) -%}
    {%- endfor -%}
    {%- set met = {} -%}
    {%- for step in before -%}
        {%- do met.update({step.name: {step.type: 0}}) -%}
    {%- endfor -%}
    {%- for step, people in log.items() -%}
        {%- do met.update({step: people}) -%}
    {%- endfor -%}
    {%- set inserted = parsed.get('inserted') or {} -%}
    {%- set said = [] -%}
    {%- for step, people in met.items() if step not in (parsed.get('removed') or []) -%}
        {%- set now = headwater._journey_name_now(parsed, step) -%}
        {%- for type, count in people.items() -%}
            {%- if now not in types -%}
                {%- do said.append("step '" ~ step ~ "' (" ~ type ~ "), which " ~ count ~ " people have passed, is in the definition no more: say renamed: {new name: "
                    ~ step ~ "}, and they do not meet it again, or removed: [" ~ step ~ "]") -%}
            {%- elif types[now] != type -%}
                {%- do said.append("step '" ~ now ~ "' was a " ~ type ~ " for the " ~ count ~ " people who have passed it, and is a " ~ types[now]
                    ~ " now: give the new step a name of its own, and say removed: [" ~ step ~ "]") -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set stood = before | map(attribute='name') | list -%}
    {%- set stay = [] -%}
    {%- for step in stood -%}
        {%- set now = headwater._journey_name_now(parsed, step) -%}
        {%- if now in types and now not in inserted -%}
            {%- do stay.append(now) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set order = types | select('in', stay) | list -%}
    {%- if order != stay -%}
        {%- set counts = [] -%}
        {%- for step in order -%}
            {%- set passed = [] -%}
            {%- for name in headwater._journey_names_ever(parsed, [step]) -%}
                {%- do passed.extend((log.get(name) or {}).values()) -%}
            {%- endfor -%}
            {%- do counts.append(step ~ ' (' ~ passed | sum ~ ' people have passed it)') -%}
        {%- endfor -%}
        {%- do said.append("its steps stood in the order " ~ stay | join(', ') ~ " and stand now in the order " ~ counts | join(', ')
            ~ ": put them back, or say of each that moved inserted: {step: newcomers}, and who has gone past its place does not meet it, or everybody") -%}
    {%- endif -%}
    {%- if said -%}
        {%- set new = [] -%}
        {%- set people = [0] -%}
        {%- for counts in log.values() -%}
            {%- do people.append(counts.values() | max) -%}
        {%- endfor -%}
        {%- for step, type in types.items() if step not in met and step not in (parsed.get('renamed') or {}) -%}
            {%- do new.append(step ~ ' (' ~ type ~ ')') -%}
        {%- endfor -%}
        {{ headwater.audience_error('steps', said | join('; ') ~ ('. Up to ' ~ (people | max) ~ ' people would meet what is new: ' ~ new | join(', ') if new)) }}
    {%- endif -%}
{%- endmacro %}

{#- Value: today's name of a step of the log. -#}
{% macro _journey_name_now(parsed, step) -%}
    {%- for new, old in (parsed.get('renamed') or {}).items() if step in ([old] if old is string else old) -%}
        {{ return(new) }}
    {%- endfor -%}
    {{ return(step) }}
{%- endmacro %}

{#- Value: every name that steps have had, today's first. -#}
{% macro _journey_names_ever(parsed, steps) -%}
    {%- set names = [] -%}
    {%- for step in steps -%}
        {%- set old = (parsed.get('renamed') or {}).get(step, []) -%}
        {%- do names.extend([step] + ([old] if old is string else old | list)) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#- Expression: today's name of the step in a column of the log. -#}
{% macro _journey_node_now(parsed, column) -%}
    {%- set cases = [] -%}
    {%- for new in (parsed.get('renamed') or {}) -%}
        {%- for old in headwater._journey_names_ever(parsed, [new])[1:] -%}
            {%- for end in ['', '.delayed', '.delayed.quiet', '.delayed.capped', '.delayed.calendar'] -%}
                {%- do cases.append(' when ' ~ headwater.string_literal(old ~ end) ~ ' then ' ~ headwater.string_literal(new ~ end)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return('case ' ~ column ~ cases | join ~ ' else ' ~ column ~ ' end' if cases else column) }}
{%- endmacro %}
