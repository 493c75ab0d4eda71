{#- Relation-shaped query in brackets: who is, or was, in a journey, by the person or company as they are now; those who became one are one.
    Columns: profile_id or account_id, entry_number, is_holdout (one of the two was), is_gone (left by exit_when, by a goal, or held back since), exits
    (how many times an exit: step was met), is_out (the way is over, whichever end it had). -#}
{% macro _journey_people(journey, key) -%}
(
    select
        people.{{ key }},
        people.entry_number,
        max(case when people.is_holdout then 1 else 0 end) = 1 as is_holdout,
        max(
            case
                when people.node_type = 'goal' and people.outcome = 'reached' then 1
                when people.node_type = 'exit' and people.outcome in ('exit_when', 'goal', 'held_out') then 1
                else 0
            end
        ) = 1 as is_gone,
        sum(case when people.node_type = 'exit' and people.outcome = 'exit' then 1 else 0 end) as exits,
        max(case when people.node_type = 'exit' then 1 else 0 end) = 1 as is_out

    from {{ headwater._journey_steps_by_person(journey, key) }} as people

    group by people.{{ key }}, people.entry_number
)
{%- endmacro %}

{#- Value: the mistakes that were found in a journey's definition while dbt read the project. -#}
{% macro journey_mistakes(journey) -%}
    {%- set node = headwater.node_named(journey) if execute else none -%}
    {%- set mistakes = (node.config.meta.get('mistakes') or []) | list if node else [] -%}
    {#- `sync validate` has dbt read the project without its definitions: they are asked here. -#}
    {%- if node and not mistakes and headwater.is_offline() and node.config.meta.get('journey') -%}
        {%- do headwater.journey_nodes(node.config.meta['journey'], problems=mistakes) -%}
    {%- endif -%}
    {{ return(mistakes) }}
{%- endmacro %}

{#- Value: the definition of a journey, known by its name; while dbt parses none is known. A wrong one stops whatever asks for it: what its steps were is not known. -#}
{% macro journey_definition(journey) -%}
    {%- for mistake in headwater.journey_mistakes(journey)[:1] -%}
        {{ headwater.audience_error('', headwater.why_it_waits(journey)) }}
    {%- endfor -%}
    {%- set node = headwater.node_named(journey) if execute else none -%}
    {{ return((node.config.meta.get('journey') or {}) if node else {}) }}
{%- endmacro %}

{% macro why_it_waits(journey) -%}
    {{ return("is built on " ~ journey ~ ", whose definition is wrong, and waits until that is mended: " ~ headwater.journey_mistakes(journey)[0]) }}
{%- endmacro %}

{#- Text: the column of the log of a journey, known by its name, that says who goes through it; while dbt parses no definition is known. Of a wrong one its table says. -#}
{% macro key_of_journey(journey) -%}
    {%- if headwater.journey_mistakes(journey) -%}
        {%- set node = headwater.node_named(journey) -%}
        {%- set log = none if headwater.is_offline() else adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
        {%- set columns = adapter.get_columns_in_relation(log) | map(attribute='name') | map('lower') | list if log else [] -%}
        {{ return('account_id' if 'account_id' in columns else 'profile_id') }}
    {%- endif -%}
    {{ return(headwater.journey_key(headwater.journey_definition(journey))) }}
{%- endmacro %}

{#- Relation-shaped query in brackets: the log with profile_id (of companies account_id too) as it is now and logged_id as it was, the id of who goes through
    it. Who is known no more is not in it. -#}
{% macro _journey_steps_by_person(journey, key='profile_id') -%}
(
    select
        case when identity_aliases.old_id is null then steps.{{ key }} else identity_aliases.live_id end as {{ key }},
        steps.{{ key }} as logged_id,
        {%- if key != 'profile_id' %}
        case when contacts.old_id is null then steps.profile_id else contacts.live_id end as profile_id,
        {%- endif %}
        steps.entry_number,
        steps.node,
        steps.node_type,
        steps.outcome,
        steps.touchpoint_id,
        steps.template,
        steps.is_holdout,
        steps.happened_at

    from {{ headwater.model_ref(journey) }} as steps

    left join {{ ref('headwater', 'identity_aliases') }} as identity_aliases
        on steps.{{ key }} = identity_aliases.old_id
    {%- if key != 'profile_id' %}

    left join {{ ref('headwater', 'identity_aliases') }} as contacts
        on steps.profile_id = contacts.old_id
    {%- endif %}

    where
        identity_aliases.old_id is null
        or identity_aliases.live_id is not null
)
{%- endmacro %}

{#- Value: every name that the steps have had. A name that the journey does not have stops the build: nobody would be found. -#}
{% macro _journey_named(journey, steps, types, macro_name) -%}
    {%- if steps is string or steps is not iterable -%}
        {{ headwater.audience_error(macro_name, "wants a list of steps, such as ['" ~ steps ~ "']") }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- set definition = headwater.journey_definition(journey) -%}
    {%- if definition -%}
        {%- set nodes = headwater.journey_nodes(definition) -%}
        {%- set allowed = nodes | selectattr('type', 'in', types) | map(attribute='name') | list -%}
        {#- Who keeps a version that has a step which is gone is still sent it. -#}
        {%- set past = definition.get('removed') or [] -%}
        {%- for step in steps if step not in allowed and step not in past -%}
            {{ headwater.audience_error(macro_name, "'" ~ step ~ "' is no " ~ (types | join(', ')) ~ " of " ~ journey ~ " (it has " ~ allowed | join(', ') ~ ")" ~ headwater.nearest(step, allowed)) }}
        {%- endfor -%}
        {%- do names.extend(headwater._journey_names_ever(definition, headwater.journey_with_copies(nodes, steps))) -%}
    {%- endif -%}
    {%- set quoted = [] -%}
    {%- for step in names or steps -%}
        {%- do quoted.append(headwater.string_literal(step)) -%}
    {%- endfor -%}
    {{ return(quoted | join(', ')) }}
{%- endmacro %}

{#- Query: the steps of a log by the person or company as they are known now, with {profile_id or account_id}, entry_number, node, node_type, outcome, is_holdout,
    happened_at and, of an entry, its version where `version` is its column; not those of contacts. Rows of two who became one are of the one that lives. -#}
{% macro _journey_known_steps(parsed, log, version=none) -%}
{%- set key = headwater.journey_key(parsed) -%}
{%- set own_rows = headwater._journey_own_rows(parsed, 'steps') -%}
select
    coalesce(identity_aliases.live_id, steps.{{ key }}) as {{ key }},
    {{ headwater._journey_step_columns(parsed, version) | indent(4) }}

from {{ log }} as steps

left join {{ ref('headwater', 'identity_aliases') }} as identity_aliases
    on steps.{{ key }} = identity_aliases.old_id
{%- if own_rows %}

{#- Rows of contacts are `written`. #}
where steps.profile_id is null
{%- endif %}

union all

{#- Who was taken out of another profile did what that did meanwhile: nothing is sent to them again. #}
select
    parted.live_id as {{ key }},
    {{ headwater._journey_step_columns(parsed, version) | indent(4) }}

from {{ log }} as steps

inner join {{ ref('headwater', 'identity_aliases') }} as parted
    on steps.{{ key }} = parted.split_from_id
    and steps.happened_at >= parted.shared_from_at
    and steps.happened_at <= parted.shared_until_at

where parted.live_id is not null{{ own_rows }}
{%- endmacro %}

{% macro _journey_step_columns(parsed, version) -%}
steps.entry_number,
{{ headwater._journey_node_now(parsed, 'steps.node') }} as node,
steps.node_type,
steps.outcome,
steps.is_holdout,
steps.happened_at
{%- if version %},
case when steps.node = 'entry' then coalesce({{ version }}, '') end as version
{%- endif %}
{%- endmacro %}

{#- Query: by which outcome each entry passed each step, by the person or company as they are known now: the key, entry_number, node, outcome. -#}
{% macro _journey_passed_steps(parsed, log) -%}
{%- set key = headwater.journey_key(parsed) -%}
select
    {{ key }},
    entry_number,
    node,
    min(outcome) as outcome

from (
    {{ headwater._journey_known_steps(parsed, log) | indent(4) }}
) as known_steps

group by {{ key }}, entry_number, node
{%- endmacro %}

{#- Query: who has ever entered, by the person or company as they are known now: the key, entry_number, version ('' of those who entered before versions were
    kept) and is_out, whether the way is over. -#}
{% macro _journey_travellers(parsed, log) -%}
{%- set key = headwater.journey_key(parsed) -%}
select
    {{ key }},
    entry_number,
    min(version) as version,
    max(case when node_type = 'exit' then 1 else 0 end) = 1 as is_out

from (
    {{ headwater._journey_known_steps(parsed, log, headwater._journey_version_column(log, 'steps')) | indent(4) }}
) as known_steps

group by {{ key }}, entry_number
{%- endmacro %}
