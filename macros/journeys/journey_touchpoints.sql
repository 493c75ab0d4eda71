{#- Relation-shaped query in brackets: the touchpoints of a journey that are due, by the person as they are now.
    `nodes` are names of touchpoints; one older than `within` is not sent any more, also not to somebody who consents later.
    Columns: touchpoint_id, profile_id, template, is_holdout, qualified_at. A touchpoint's id never changes, whatever is built
    again. Where two people who both had a touchpoint are merged, one of the two is left: the one that was sent, if any. -#}
{% macro journey_touchpoints(journey, nodes, within='7 days') -%}
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
            coalesce(identity_aliases.live_id, steps.profile_id) as profile_id,
            steps.template,
            steps.is_holdout = 'yes' as is_holdout,
            steps.happened_at as qualified_at,
            row_number() over (
                partition by
                    coalesce(identity_aliases.live_id, steps.profile_id), steps.entry_number, steps.node
                order by
                    case when sent.sync_key is null then 1 else 0 end asc,
                    steps.happened_at asc nulls last,
                    steps.touchpoint_id asc
            ) as place

        from {{ ref(journey) }} as steps

        left join {{ ref('identity_aliases') }} as identity_aliases
            on steps.profile_id = identity_aliases.old_id

        left join (
            select distinct sync_key from {{ ref('stg_sync__ledger') }}
        ) as sent
            on steps.touchpoint_id = sent.sync_key

        where
            steps.node_type = 'touchpoint'
            and steps.node in ({% for node in nodes %}{{ headwater.string_literal(node) }}{{ ', ' if not loop.last }}{% endfor %})
            and steps.happened_at >= {{ headwater.audience_ago(within, 'within') }}
    ) as touchpoints

    where place = 1
)
{%- endmacro %}
