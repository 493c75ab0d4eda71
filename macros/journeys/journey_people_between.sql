{#- Relation-shaped query in brackets: the people who have passed one node of a journey and not yet another, nor left.
    Columns: profile_id, is_holdout, qualified_at (when they passed the first). -#}
{% macro journey_people_between(journey, after, before) -%}
(
    select
        passed.profile_id,
        passed.is_holdout,
        passed.qualified_at

    from (
        select
            coalesce(identity_aliases.live_id, steps.profile_id) as profile_id,
            max(steps.is_holdout) = 'yes' as is_holdout,
            min(case when steps.node = {{ headwater.string_literal(after) }} then steps.happened_at end) as qualified_at,
            max(
                case when steps.node = {{ headwater.string_literal(before) }} or steps.node_type = 'exit' then 1 else 0 end
            ) as is_over

        from {{ ref(journey) }} as steps

        left join {{ ref('identity_aliases') }} as identity_aliases
            on steps.profile_id = identity_aliases.old_id

        group by 1
    ) as passed

    where
        passed.qualified_at is not null
        and passed.is_over = 0
)
{%- endmacro %}
