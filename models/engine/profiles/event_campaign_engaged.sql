{{ headwater.table_layout(month='occurred_at', clusters=['profile_id']) }}

with

recipients as (

    select
        campaign_event_id,
        profile_id,
        campaign_id,
        touchpoint_id,
        destination,
        channel,
        kind,
        occurred_at

    from {{ ref('int_profiles__campaign_recipients_resolved') }}

),

events as (

    select
        campaign_event_id as event_id,
        profile_id,
        campaign_id,
        touchpoint_id,
        destination,
        channel,
        kind,
        occurred_at

    from recipients

    where
        profile_id is not null
        and kind <> 'other'
        and {{ headwater.has_happened('occurred_at', ref('int_profiles__campaign_recipients_resolved')) }}

)

select * from events
