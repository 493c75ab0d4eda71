{{ config(enabled=headwater.identity_matching_enabled()) }}
with

by_threshold as (

    {{ headwater.matching_decided(ref('matching_scores'), ref('matching_records')) | indent(4) }}

),

-- What a person decided goes to identity by itself, and is not asked again.
overrides as (

    {{ headwater.matching_told() | indent(4) }}

),

decided as (

    select
        by_threshold.entity,
        by_threshold.left_record_key,
        by_threshold.right_record_key,
        by_threshold.match_weight,
        by_threshold.match_probability,
        by_threshold.pattern,
        case when overrides.entity is null then by_threshold.decision else 'overridden' end as decision

    from by_threshold

    left join overrides
        on by_threshold.entity = overrides.entity
        and by_threshold.left_record_key = overrides.left_record_key
        and by_threshold.right_record_key = overrides.right_record_key

)

select * from decided
