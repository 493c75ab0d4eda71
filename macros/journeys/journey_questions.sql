{#- Text, one JSON document, what `sync journey` asks dbt for: the steps of a journey and the queries that answer for it. `definition` is YAML or read
    already. With `replayed`, {log: a table's name or nothing, audience: the definition of the audience that lets in, or nothing}, it is asked of that log and of who
    would be a member at the instant that is now. passed: per step and outcome, how many entries, or contacts of companies; standing: where everybody is who ever entered; next: what a build now would add. Where
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
        'logged': 'select count(*) as entries from ' ~ log ~ " as entered where entered.node = 'entry'" if log else none,
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

{#- Relation-shaped query: node, outcome, entries, is_of_contact (1 where these are rows of contacts, whose outcomes are no company's), by people as they are known
    now: two who became one have passed a step once, with the outcome that the build goes by. -#}
{% macro _journey_passed(parsed, log) -%}
{%- set key = headwater.journey_key(parsed) -%}
{%- if key != 'profile_id' -%}
with

{{ headwater._journey_written(parsed, log) }}

passed as (
{%- endif %}
select
    passed.node,
    passed.outcome,
    count(*) as entries,
    0 as is_of_contact

from (
    {{ headwater._journey_passed_steps(parsed, log) | indent(4) }}
) as passed

group by passed.node, passed.outcome
{%- if key != 'profile_id' %}

union all

select
    written.node,
    written.outcome,
    count(*) as entries,
    1 as is_of_contact

from written

group by written.node, written.outcome

)

select * from passed
{%- endif %}
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

{#- Relation-shaped query: state, node, entries, whose entries add up to all who have ever entered: `left`; `gone`, who is known no more; `kept`, inside by an
    earlier version; `inside`, and then node is the last step that they have come to and have not passed, by which each is counted once. -#}
{% macro _journey_standing(parsed, nodes, log, ids=none) -%}
{%- set key = headwater.journey_key(parsed) -%}
{%- set entity = headwater.audience_entities()[headwater.journey_entity(parsed)] -%}
with

steps as (

    {{ headwater._journey_passed_steps(parsed, log) | indent(4) }}

),

travellers as (

    select
        entered.{{ key }},
        entered.entry_number,
        case
            when entered.is_out then 'left'
            when known.{{ key }} is null then 'gone'
            {%- if ids %}
            when entered.version not in ({{ headwater.string_literals(ids) }}) then 'kept'
            {%- endif %}
            else 'inside'
        end as state

    from (
        {{ headwater._journey_travellers(parsed, log) | indent(8) }}
    ) as entered

    left join {{ headwater.model_ref(entity.model) }} as known
        on entered.{{ key }} = known.{{ key }}

),

before as (
    {% for node in nodes %}
    select
        came.{{ key }},
        came.entry_number,
        {{ loop.index }} as place

    from steps as came

    left join steps as passed
        on came.{{ key }} = passed.{{ key }}
        and came.entry_number = passed.entry_number
        and passed.node = {{ headwater.string_literal(node.name) }}

    where
        passed.{{ key }} is null
        and (
            {%- for source in node.sources %}
            (came.node = {{ headwater.string_literal(source.node) }}{% if source.outcome %} and came.outcome = {{ headwater.string_literal(source.outcome) }}{% endif %})
            {{- ' or' if not loop.last }}
            {%- endfor %}
        )
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    travellers.state,
    case last_one.place
        {%- for node in nodes %}
        when {{ loop.index }} then {{ headwater.string_literal(node.name) }}
        {%- endfor %}
    end as node,
    count(*) as entries

from travellers

left join (
    select {{ key }}, entry_number, max(place) as place from before group by {{ key }}, entry_number
) as last_one
    on travellers.{{ key }} = last_one.{{ key }}
    and travellers.entry_number = last_one.entry_number
    and travellers.state = 'inside'

group by 1, 2
{%- endmacro %}
