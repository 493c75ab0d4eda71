{#- Text, one JSON document, what `sync journey` asks dbt for: the steps of a journey and the queries that answer for it. `definition` is YAML or read
    already. With `replayed`, {log: a table's name or nothing, audience: the definition of the audience that lets in, or nothing}, it is asked of that log and of who
    would be a member at the instant that is now. passed: per step and outcome, how many entries, or contacts of companies; standing: per step, how many stand before it; next: what a build now would add. Where
    the build would refuse the definition this does too, unless `checks` is false. -#}
{% macro journey_questions(definition, name, checks=true, replayed=none) -%}
    {%- set problems = [] -%}
    {%- set parsed = definition if definition is mapping else headwater.read_definition(definition, "entry: and steps:", problems) -%}
    {%- set nodes = headwater.journey_nodes(parsed, problems) if parsed else [] -%}
    {%- if not parsed or problems -%}
        {%- do headwater.journey_query(parsed, nodes, name, none, {}, false, problems=problems) if parsed -%}
        {%- do headwater.stop_for(problems if definition is mapping else headwater.with_lines(definition, problems)) if execute -%}
        {{ return('') }}
    {%- endif -%}
    {#- Before any branch: dbt reads refs while it parses, when no table is known. -#}
    {%- do ref('headwater', 'identity_aliases') -%}
    {%- set log = headwater.as_last_built({'problems': []}, name, '') if replayed is none else (replayed.log or none) -%}
    {%- set members = none -%}
    {%- if replayed is not none and replayed.audience -%}
        {%- set made = headwater.compiled_audience(replayed.audience, parsed['entry']['audience']) -%}
        {%- set members = 'select judged.' ~ made.context.key ~ ', judged.is_holdout from (' ~ headwater.audience_rows(made) ~ ') as judged where judged.is_member' if made else none -%}
    {%- endif -%}
    {%- set versions = headwater.journey_versions(parsed, name, log) if execute and not headwater.is_offline() else none -%}
    {%- set known = headwater._journey_known(parsed, nodes, log, versions.current, checks) if log else {} -%}
    {%- set query = headwater.journey_query(parsed, nodes, name, log, known, execute, members, versions, problems) -%}
    {%- do headwater.stop_for(problems if definition is mapping else headwater.with_lines(definition, problems)) if execute -%}
    {%- set shown = [] -%}
    {%- for node in nodes -%}
        {%- set ways = [] -%}
        {%- for source in node.sources -%}
            {%- do ways.append({'node': source.node, 'outcome': source.outcome}) -%}
        {%- endfor -%}
        {%- do shown.append({'name': node.name, 'type': node.type, 'sources': ways, 'words': headwater._journey_node_words(node, parsed)}) -%}
    {%- endfor -%}
    {{ return(tojson({
        'name': name, 'key': headwater.journey_key(parsed), 'entry': headwater.rule_words(parsed['entry']), 'exit_when': headwater.rule_words(parsed['exit_when']) if 'exit_when' in parsed else none,
        'nodes': shown, 'next': query,
        'passed': headwater._journey_passed(parsed, log) if log else none,
        'standing': headwater._journey_standing(parsed, nodes, log, versions.current) if log else none,
        'versions': headwater._journey_told_versions(versions) if versions else [],
    })) }}
{%- endmacro %}

{#- Text: a step in plain words. -#}
{% macro _journey_node_words(node, parsed) -%}
    {%- if node.type == 'touchpoint' -%}
        {%- set whom = ', to contacts ' ~ headwater.rule_words(node.contacts) if node.contacts is defined else '' -%}
        {{ return((node.channel or 'task') ~ ' by ' ~ node.destination ~ (': ' ~ node.template if node.template) ~ whom) }}
    {%- elif node.type == 'split' -%}
        {%- set arms = [] -%}
        {%- for arm in node.arms -%}
            {%- do arms.append(arm.name ~ ' ' ~ arm.percent ~ ' %') -%}
        {%- endfor -%}
        {{ return(arms | join(', ')) }}
    {%- elif node.type == 'wait' and node.clock -%}
        {{ return('until ' ~ ('the day of ' ~ headwater.rule_words(node.clock.date) if 'date' in node.clock else 'these hours' if 'open' in node.clock else 'their best hour' if node.clock.best else 'the clock shows it')) }}
    {%- elif node.type == 'wait' -%}
        {{ return((('until ' ~ headwater.rule_words(node.condition) ~ ', at most ') if node.condition else '') ~ node.duration.amount ~ ' ' ~ node.duration.unit ~ 's') }}
    {%- elif node.condition -%}
        {{ return(headwater.rule_words(node.condition)) }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}

{#- Relation-shaped query: node, node_type, outcome, entries, is_of_contact (1 where these are rows of contacts, whose outcomes are no company's). -#}
{% macro _journey_passed(parsed, log) -%}
select
    {{ headwater._journey_node_now(parsed, 'steps.node') }} as node,
    steps.node_type,
    steps.outcome,
    count(*) as entries,
    {{ 'max(case when steps.profile_id is null then 0 else 1 end)' if headwater.journey_entity(parsed) == 'account' else '0' }} as is_of_contact

from {{ log }} as steps

group by {{ headwater._journey_node_now(parsed, 'steps.node') }}, steps.node_type, steps.outcome
{%- endmacro %}

{#- Value: [{version, inside, is_kept}], today's last: by which version people are inside. -#}
{% macro _journey_told_versions(versions) -%}
    {%- set told = [] -%}
    {%- for one in versions.kept -%}
        {%- do told.append({'version': one.id, 'inside': one.inside, 'is_kept': true}) -%}
    {%- endfor -%}
    {%- set here = [0] -%}
    {%- for id in versions.current -%}
        {%- do here.append(versions.inside.get(id, 0)) -%}
    {%- endfor -%}
    {{ return(told + [{'version': versions.id, 'inside': here | sum, 'is_kept': false}]) }}
{%- endmacro %}

{#- Relation-shaped query: node, entries: who is inside and has come to a step, and has not passed it; of the versions `ids`, or all. -#}
{% macro _journey_standing(parsed, nodes, log, ids=none) -%}
{%- set key = headwater.journey_key(parsed) -%}
{%- set of_version = headwater._journey_of_version(log, key, ids) -%}
with

steps as (

    select
        coalesce(identity_aliases.live_id, steps.{{ key }}) as {{ key }},
        steps.entry_number,
        {{ headwater._journey_node_now(parsed, 'steps.node') }} as node,
        min(steps.node_type) as node_type,
        min(steps.outcome) as outcome

    from {{ log }} as steps {{- of_version.joined }}

    left join {{ ref('headwater', 'identity_aliases') }} as identity_aliases
        on steps.{{ key }} = identity_aliases.old_id

    where 1 = 1{{ headwater._journey_own_rows(parsed, 'steps') }}

    group by 1, 2, 3

),

inside as (

    select {{ key }}, entry_number

    from steps

    group by {{ key }}, entry_number

    having max(case when node_type = 'exit' then 1 else 0 end) = 0

)
{% for node in nodes %}
select
    {{ headwater.string_literal(node.name) }} as node,
    count(distinct {{ headwater._traveller_id('inside', key) }}) as entries

from inside

inner join steps as came
    on inside.{{ key }} = came.{{ key }}
    and inside.entry_number = came.entry_number
    and (
        {%- for source in node.sources %}
        (came.node = {{ headwater.string_literal(source.node) }}{% if source.outcome %} and came.outcome = {{ headwater.string_literal(source.outcome) }}{% endif %})
        {{- ' or' if not loop.last }}
        {%- endfor %}
    )

left join steps as passed
    on inside.{{ key }} = passed.{{ key }}
    and inside.entry_number = passed.entry_number
    and passed.node = {{ headwater.string_literal(node.name) }}

where passed.{{ key }} is null
{{ 'union all' if not loop.last }}
{% endfor %}
{%- endmacro %}
