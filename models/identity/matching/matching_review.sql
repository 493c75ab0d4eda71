{{ config(enabled=identity_matching_enabled()) }}
with

matching_decided as (

    select
        entity,
        left_record_key,
        right_record_key,
        match_weight,
        match_probability,
        pattern,
        decision

    from {{ ref('matching_decided') }}

),

-- What a person decided goes to identity by itself, and is not asked again.
overrides as (

    select
        entity,
        least(left_key, right_key) as left_record_key,
        greatest(left_key, right_key) as right_record_key

    from {{ ref(var('cdp_identity_overrides', 'identity_overrides')) }}

    where action in ('link', 'do_not_link')

    group by 1, 2, 3

),

-- Identifiers may have joined the two already, or other pairs.
records as (

    select
        entity,
        record_key,
        entity_id

    from {{ ref('identity_entity_records') }}

),

undecided as (

    select
        matching_decided.entity,
        matching_decided.left_record_key,
        matching_decided.right_record_key,
        left_records.entity_id as left_entity_id,
        right_records.entity_id as right_entity_id,
        matching_decided.match_weight,
        matching_decided.match_probability,
        matching_decided.pattern,
        matching_decided.decision as reason

    from matching_decided

    left join overrides
        on matching_decided.entity = overrides.entity
        and matching_decided.left_record_key = overrides.left_record_key
        and matching_decided.right_record_key = overrides.right_record_key

    inner join records as left_records
        on matching_decided.entity = left_records.entity
        and matching_decided.left_record_key = left_records.record_key

    inner join records as right_records
        on matching_decided.entity = right_records.entity
        and matching_decided.right_record_key = right_records.record_key

    where
        matching_decided.decision != 'accepted'
        and overrides.entity is null
        and left_records.entity_id != right_records.entity_id

)

select * from undecided
