-- The holdout of an audience is withheld from every destination, or lift cannot be measured.
with

held_out as (

    select profile_id from {{ ref('audience_lapsed_buyers') }} where is_holdout

),

sent as (

    select profile_id from {{ ref('sync_klaviyo__lapsed_buyers') }} where withheld_reason is null
    union all
    select profile_id from {{ ref('sync_google__lapsed_buyers') }} where withheld_reason is null
    union all
    select profile_id from {{ ref('sync_klaviyo__win_back_emails') }} where withheld_reason is null

),

against as (

    select sent.profile_id

    from sent

    inner join held_out
        on sent.profile_id = held_out.profile_id

)

select * from against
