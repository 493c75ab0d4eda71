with

campaign_syncs as (

    select
        sync_name,
        audience_name,
        destination,
        entity,
        channel

    from {{ ref('campaign_syncs') }}

),

identity_aliases as (

    select
        entity,
        old_id,
        live_id

    from {{ ref('identity_aliases') }}

),

touchpoints as (

    select
        touchpoint_id,
        journey_name,
        journey_node,
        profile_id,
        account_id

    from {{ ref('int_campaigns__touchpoints') }}

),

acknowledgements as (

    select
        sync_name,
        sync_key,
        {{ dbt.split_part('sync_key', "'|'", 1) }} as entity_id,
        run_id,
        batch_number,
        action,
        acknowledged_at

    from {{ ref('stg_sync__acknowledgements') }}

    where action in ('add', 'change', 'remove')

),

-- A profile that was sent under an id that merged since is found by its successor.
resolved as (

    select
        {{ headwater.md5_hex(dbt.concat([
            "acknowledgements.sync_name", "'|'", "acknowledgements.run_id", "'|'",
            "cast(acknowledgements.batch_number as " ~ dbt.type_string() ~ ")", "'|'",
            "acknowledgements.action", "'|'", "acknowledgements.sync_key",
        ])) }} as send_id,
        acknowledgements.sync_name,
        acknowledgements.sync_key,
        acknowledgements.run_id,
        case
            when campaign_syncs.entity = 'person' then identity_aliases.live_id
            when campaign_syncs.entity = 'touchpoint' then touchpoints.profile_id
        end as profile_id,
        case
            when campaign_syncs.entity = 'account' then identity_aliases.live_id
            when campaign_syncs.entity = 'touchpoint' then touchpoints.account_id
        end as account_id,
        campaign_syncs.audience_name,
        touchpoints.journey_name,
        touchpoints.journey_node,
        campaign_syncs.destination,
        campaign_syncs.channel,
        acknowledgements.action,
        acknowledgements.acknowledged_at as sent_at

    from acknowledgements

    left join campaign_syncs on acknowledgements.sync_name = campaign_syncs.sync_name

    left join identity_aliases
        on acknowledgements.entity_id = identity_aliases.old_id
        and campaign_syncs.entity = identity_aliases.entity

    left join touchpoints
        on acknowledgements.entity_id = touchpoints.touchpoint_id
        and campaign_syncs.entity = 'touchpoint'

)

select * from resolved
