with

source as (

    select * from {{ source('campaigns', 'campaign_events') }}

),

campaign_events as (

    select
        {{ dbt.concat(['destination', "':'", 'event_id']) }} as campaign_event_id,
        destination,
        campaign_id,
        touchpoint_id,
        recipient_type,
        case recipient_type
            when 'email' then {{ headwater.normalise_email('recipient') }}
            when 'phone' then coalesce({{ headwater.normalise_phone('recipient') }}, recipient)
            else recipient
        end as recipient,
        lower(kind) as kind,
        lower(channel) as channel,
        occurred_at,
        pulled_at as loaded_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from campaign_events
