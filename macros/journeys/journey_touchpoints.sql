{#- Relation-shaped query in brackets: the touchpoints of a journey that are due, by the person as they are now.
    `nodes` are names of touchpoints; one older than `within` is not sent any more, also not to somebody who consents later.
    Columns: touchpoint_id, profile_id, template, is_holdout, qualified_at. A touchpoint's id never changes, whatever is built
    again. Where two people who both had a touchpoint are merged, one of the two is left: the one that was sent, if any; and one of
    them held back holds back both. Who has left the journey gets nothing that was due before. -#}
{% macro journey_touchpoints(journey, nodes, within='7 days') -%}
{%- set named = headwater._journey_named(journey, nodes, ['touchpoint'], 'journey_touchpoints') -%}
(
    select
        touchpoint_id,
        profile_id,
        template,
        is_holdout,
        qualified_at

    from (
        select
            steps.touchpoint_id,
            steps.profile_id,
            steps.template,
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
