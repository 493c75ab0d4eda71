{{ config(enabled=headwater.identity_matching_enabled()) }}
with

matching_decided as (

    select
        entity,
        left_record_key,
        right_record_key,
        match_weight,
        match_probability,
        pattern

    from {{ ref('matching_decided') }}

    where decision = 'accepted'

)

select * from matching_decided
