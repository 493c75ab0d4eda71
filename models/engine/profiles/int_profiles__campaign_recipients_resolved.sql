with

identity_aliases as (

    select
        old_id,
        live_id

    from {{ ref('identity_aliases') }}

    where entity = 'person'

),

profile_identifiers as (

    select
        profile_id,
        identifier_type,
        identifier_value

    from {{ ref('profile_identifiers') }}

),

campaigns as (

    select
        destination,
        campaign_id,
        channel

    from {{ ref('stg_campaigns__campaigns') }}

),

campaign_events as (

    select
        campaign_event_id,
        destination,
        campaign_id,
        kind,
        channel,
        recipient_type,
        recipient,
        touchpoint_id,
        occurred_at,
        loaded_at

    from {{ ref('stg_campaigns__campaign_events') }}

),

-- A vendor names people by the profile_id we sent, which may have merged since, or by an
-- identifier.
resolved as (

    select
        campaign_events.campaign_event_id,
        coalesce(identity_aliases.live_id, profile_identifiers.profile_id) as profile_id,
        campaign_events.campaign_id,
        campaign_events.touchpoint_id,
        campaign_events.destination,
        coalesce(
            campaign_events.channel,
            campaigns.channel,
            case campaign_events.recipient_type
                when 'email' then 'email'
                when 'phone' then 'sms'
                when 'push_id' then 'push'
            end
        ) as channel,
        campaign_events.kind,
        campaign_events.recipient_type,
        campaign_events.recipient,
        campaign_events.occurred_at,
        campaign_events.loaded_at

    from campaign_events

    left join identity_aliases
        on campaign_events.recipient = identity_aliases.old_id
        and campaign_events.recipient_type = 'profile_id'

    left join profile_identifiers
        on campaign_events.recipient_type = profile_identifiers.identifier_type
        and campaign_events.recipient = profile_identifiers.identifier_value

    left join campaigns
        on campaign_events.destination = campaigns.destination
        and campaign_events.campaign_id = campaigns.campaign_id

)

select * from resolved
