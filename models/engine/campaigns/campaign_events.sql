{{ headwater.table_layout(month='occurred_at', clusters=['destination', 'campaign_id']) }}

with

campaign_events as (

    select
        campaign_event_id,
        destination,
        campaign_id,
        touchpoint_id,
        kind,
        occurred_at

    from {{ ref('stg_campaigns__campaign_events') }}

),

campaigns as (

    select
        destination,
        campaign_id,
        campaign_name

    from {{ ref('stg_campaigns__campaigns') }}

),

recipients as (

    select
        campaign_event_id,
        profile_id,
        channel

    from {{ ref('int_profiles__campaign_recipients_resolved') }}

),

touchpoints as (

    select
        touchpoint_id,
        journey_name,
        journey_node

    from {{ ref('int_campaigns__touchpoints') }}

),

campaign_sends as (

    select
        send_id,
        sync_key,
        profile_id,
        sync_name,
        audience_name,
        journey_name,
        journey_node,
        destination,
        sent_at

    from {{ ref('campaign_sends') }}

    where action in ('add', 'change')

),

resolved as (

    select
        campaign_events.campaign_event_id,
        campaign_events.destination,
        campaign_events.campaign_id,
        campaign_events.touchpoint_id,
        recipients.profile_id,
        campaigns.campaign_name,
        recipients.channel,
        touchpoints.journey_name,
        touchpoints.journey_node,
        campaign_events.kind,
        campaign_events.occurred_at

    from campaign_events

    left join recipients on campaign_events.campaign_event_id = recipients.campaign_event_id

    left join touchpoints on campaign_events.touchpoint_id = touchpoints.touchpoint_id

    left join campaigns
        on campaign_events.destination = campaigns.destination
        and campaign_events.campaign_id = campaigns.campaign_id

),

-- The touchpoint tells which sync it was; without one it is the last thing sent to that person at
-- that destination.
candidates as (

    select
        resolved.campaign_event_id,
        campaign_sends.sync_name,
        campaign_sends.audience_name,
        campaign_sends.journey_name,
        campaign_sends.journey_node,
        campaign_sends.sent_at,
        campaign_sends.send_id

    from resolved

    inner join campaign_sends
        on resolved.touchpoint_id = campaign_sends.sync_key
        and resolved.destination = campaign_sends.destination

    union all

    select
        resolved.campaign_event_id,
        campaign_sends.sync_name,
        campaign_sends.audience_name,
        campaign_sends.journey_name,
        campaign_sends.journey_node,
        campaign_sends.sent_at,
        campaign_sends.send_id

    from resolved

    inner join campaign_sends
        on resolved.profile_id = campaign_sends.profile_id
        and resolved.destination = campaign_sends.destination
        and resolved.occurred_at >= campaign_sends.sent_at

    where resolved.touchpoint_id is null

),

candidates_ranked as (

    select
        campaign_event_id,
        sync_name,
        audience_name,
        journey_name,
        journey_node,
        row_number() over (
            partition by campaign_event_id
            order by sent_at desc nulls last, send_id asc
        ) as preference

    from candidates

),

events as (

    select
        resolved.campaign_event_id,
        resolved.campaign_id,
        resolved.touchpoint_id,
        resolved.profile_id,
        resolved.campaign_name,
        resolved.destination,
        resolved.channel,
        resolved.kind,
        candidates_ranked.sync_name,
        candidates_ranked.audience_name,
        coalesce(resolved.journey_name, candidates_ranked.journey_name) as journey_name,
        coalesce(resolved.journey_node, candidates_ranked.journey_node) as journey_node,
        resolved.occurred_at

    from resolved

    left join candidates_ranked
        on resolved.campaign_event_id = candidates_ranked.campaign_event_id
        and candidates_ranked.preference = 1

)

select * from events
