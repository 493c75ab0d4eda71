{%- set event_counts = [
    'sent', 'delivered', 'opened', 'clicked', 'bounced', 'unsubscribed', 'complained', 'converted',
    'profile',
] %}
with

stg_campaigns as (

    select
        destination,
        campaign_id,
        campaign_name,
        channel,
        status,
        started_at

    from {{ ref('stg_campaigns__campaigns') }}

),

campaign_events as (

    select
        destination,
        campaign_id,
        sum(case when kind = 'sent' then 1 else 0 end) as sent_count,
        sum(case when kind = 'delivered' then 1 else 0 end) as delivered_count,
        sum(case when kind = 'opened' then 1 else 0 end) as opened_count,
        sum(case when kind = 'clicked' then 1 else 0 end) as clicked_count,
        sum(case when kind = 'bounced' then 1 else 0 end) as bounced_count,
        sum(case when kind = 'unsubscribed' then 1 else 0 end) as unsubscribed_count,
        sum(case when kind = 'complained' then 1 else 0 end) as complained_count,
        sum(case when kind = 'converted' then 1 else 0 end) as converted_count,
        count(distinct profile_id) as profile_count,
        max(channel) as channel,
        max(occurred_at) as last_event_at

    from {{ ref('campaign_events') }}

    where
        campaign_id is not null
        and kind <> 'other'

    group by destination, campaign_id

),

campaign_daily as (

    select
        destination,
        campaign_id,
        max(currency) as currency,
        sum(spend) as spend,
        sum(impression_count) as impression_count,
        sum(click_count) as click_count,
        max(reported_date) as last_reported_date

    from {{ ref('campaign_daily') }}

    group by destination, campaign_id

),

-- Of some campaigns a vendor tells what came of them, and not that there is one: they are called by their id.
known as (

    select
        destination,
        campaign_id

    from stg_campaigns

    union distinct

    select
        destination,
        campaign_id

    from campaign_events

    union distinct

    select
        destination,
        campaign_id

    from campaign_daily

    where campaign_id is not null

),

campaigns as (

    select
        known.destination,
        known.campaign_id,
        coalesce(stg_campaigns.campaign_name, known.campaign_id) as campaign_name,
        coalesce(stg_campaigns.channel, campaign_events.channel) as channel,
        stg_campaigns.status,
        campaign_daily.currency,
        {% for kind in event_counts -%}
        cast(coalesce(campaign_events.{{ kind }}_count, 0) as {{ dbt.type_int() }})
            as {{ kind }}_count,
        {% endfor -%}
        cast(coalesce(campaign_daily.impression_count, 0) as {{ dbt.type_int() }})
            as impression_count,
        cast(coalesce(campaign_daily.click_count, 0) as {{ dbt.type_int() }}) as ad_click_count,
        {{ headwater.as_decimal('campaign_daily.spend', 18, 2) }} as spend,
        campaign_daily.last_reported_date,
        stg_campaigns.started_at,
        campaign_events.last_event_at

    from known

    left join stg_campaigns
        on known.destination = stg_campaigns.destination
        and known.campaign_id = stg_campaigns.campaign_id

    left join campaign_events
        on known.destination = campaign_events.destination
        and known.campaign_id = campaign_events.campaign_id

    left join campaign_daily
        on known.destination = campaign_daily.destination
        and known.campaign_id = campaign_daily.campaign_id

)

select * from campaigns
