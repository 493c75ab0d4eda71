with

source as (

    select
        *,
        case when recipient_type = 'email' then recipient end as email,
        case when recipient_type = 'phone' then recipient end as phone

    from {{ source('campaigns', 'campaign_events') }}

    where environment = {{ headwater.cdp_environment() }}

),

-- Each kind of recipient is read from a column of its own, so that a phone is not counted as an address that cannot be read.
campaign_events as (

    select
        {{ dbt.concat(['destination', "':'", 'event_id']) }} as campaign_event_id,
        destination,
        campaign_id,
        touchpoint_id,
        recipient_type,
        case recipient_type
            when 'email' then {{ headwater.normalise_email('email') }}
            when 'phone' then coalesce({{ headwater.normalise_phone('phone') }}, recipient)
            else recipient
        end as recipient,
        lower(kind) as kind,
        lower(channel) as channel,
        occurred_at,
        pulled_at as loaded_at

    from source

),

told as (

    select distinct
        recipient_type as identifier_type,
        recipient as identifier_value

    from campaign_events

    where recipient is not null

),

-- A vendor goes on telling of somebody until it has erased them too.
kept as (

    select campaign_events.*

    from campaign_events

    left join {{ headwater.erased_values('told') }} as erased
        on campaign_events.recipient_type = erased.identifier_type
        and campaign_events.recipient = erased.identifier_value

    where erased.identifier_value is null

)

select * from kept
