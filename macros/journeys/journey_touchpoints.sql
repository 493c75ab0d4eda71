{#- Relation-shaped query in brackets: the touchpoints of a journey that are due, by the person as they are now.
    `nodes` are names of touchpoints; one older than `within` is not sent any more, also not to somebody who consents later.
    Columns: touchpoint_id, profile_id, template, is_holdout, qualified_at. A touchpoint's id never changes, whatever is built
    again. Where two people who both had a touchpoint are merged, one of the two is left: the one that was sent, if any; and one of
    them held back holds back both. Who has left the journey gets nothing that was due before. Of a journey that an event lets in to, `event`
    is its name and `properties` the columns of it that come on top, of the very event that the touchpoint is about. -#}
{% macro journey_touchpoints(journey, nodes, within='7 days', event=none, properties=[]) -%}
{%- set source = headwater._touchpoint_event(journey, event, properties) if event else none -%}
{%- set named = headwater._journey_named(journey, nodes, ['touchpoint'], 'journey_touchpoints') -%}
(
    select
        touchpoint_id,
        profile_id,
        template,
        {%- for property in properties if source %}
        {{ property }},
        {%- endfor %}
        is_holdout,
        qualified_at

    from (
        select
            steps.touchpoint_id,
            steps.profile_id,
            steps.template,
            {%- for property in properties if source %}
            events.{{ property }},
            {%- endfor %}
            people.is_holdout,
            steps.happened_at as qualified_at,
            row_number() over (
                partition by steps.profile_id, steps.entry_number, steps.node
                order by
                    case when sent.sync_key is null then 1 else 0 end asc,
                    steps.happened_at asc nulls last,
                    steps.touchpoint_id asc
            ) as place

        from {{ headwater._journey_steps_by_person(journey) }} as steps

        inner join {{ headwater._journey_people(journey) }} as people
            on steps.profile_id = people.profile_id
            and steps.entry_number = people.entry_number

        {%- if source %}

        left join (
            select distinct
                entry_number,
                entry_key

            from {{ ref(journey) }}

            where node = 'entry'
        ) as entered
            on steps.entry_number = entered.entry_number

        left join {{ ref(source.model) }} as events
            on entered.entry_key = cast(events.{{ source.key }} as {{ dbt.type_string() }})
        {%- endif %}

        {# A way that ends with its touchpoint, in the same build, has not left before it. -#}
        left join (
            select distinct profile_id, entry_number, happened_at from {{ ref(journey) }}
            where node_type = 'exit' and outcome = 'exit'
        ) as own_exit
            on steps.logged_id = own_exit.profile_id
            and steps.entry_number = own_exit.entry_number
            and steps.happened_at = own_exit.happened_at

        left join (
            select distinct sync_key from {{ ref('stg_sync__ledger') }}
        ) as sent
            on steps.touchpoint_id = sent.sync_key

        where
            steps.node_type = 'touchpoint'
            and steps.touchpoint_id is not null
            and steps.node in ({{ named }})
            and steps.happened_at >= {{ headwater.audience_ago(within, 'within') }}
            and not people.is_gone
            and people.exits <= case when own_exit.profile_id is null then 0 else 1 end
    ) as touchpoints

    where place = 1
)
{%- endmacro %}

{#- Value: the event that lets in to a journey; another name, or a property that it has not, stops the build. -#}
{% macro _touchpoint_event(journey, name, properties) -%}
    {%- set problems = [] -%}
    {%- set context = {'columns': {}, 'dates': [], 'problems': problems} -%}
    {%- set event = headwater.declared_event(context, name, 'journey_touchpoints, event') -%}
    {%- set node = headwater._model_named(journey) if execute else none -%}
    {%- set told = ((node.config.meta.get('journey') or {}).get('entry') or {}).get('did') if node else none -%}
    {%- if told != name and node -%}
        {{ headwater.audience_error('journey_touchpoints, event', "'" ~ name ~ "' is not what lets in to " ~ journey ~ ", which is " ~ (told or 'no event')) }}
    {%- endif -%}
    {%- for property in properties if event and event.properties is not none and property not in event.properties -%}
        {{ headwater.audience_error('journey_touchpoints, properties', "'" ~ property ~ "' is no property of " ~ name
            ~ " (it has " ~ event.properties | join(', ') ~ ")" ~ headwater.nearest(property, event.properties)) }}
    {%- endfor -%}
    {%- do headwater.stop_for(problems) -%}
    {{ return(event) }}
{%- endmacro %}
