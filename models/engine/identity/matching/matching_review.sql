{{ config(enabled=headwater.identity_matching_enabled()) }}
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

    where decision in ('unsure', 'weak_bridge', 'two_people')

),

-- Identifiers may have joined the two already, or other pairs.
records as (

    select
        entity,
        record_key,
        entity_id

    from {{ ref('identity_entity_records') }}

),

asked as (

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

    inner join records as left_records
        on matching_decided.entity = left_records.entity
        and matching_decided.left_record_key = left_records.record_key

    inner join records as right_records
        on matching_decided.entity = right_records.entity
        and matching_decided.right_record_key = right_records.record_key

    where left_records.entity_id != right_records.entity_id

)

select * from asked
