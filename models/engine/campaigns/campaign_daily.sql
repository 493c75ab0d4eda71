with

campaign_daily as (

    select
        destination,
        campaign_id,
        currency,
        spend,
        impressions,
        clicks,
        conversions,
        reported_date

    from {{ ref('stg_campaigns__campaign_daily') }}

),

campaigns as (

    select
        destination,
        campaign_id,
        campaign_name,
        channel

    from {{ ref('stg_campaigns__campaigns') }}

),

daily as (

    select
        campaign_daily.destination,
        campaign_daily.campaign_id,
        campaigns.campaign_name,
        campaigns.channel,
        campaign_daily.currency,
        campaign_daily.spend,
        coalesce(campaign_daily.impressions, 0) as impression_count,
        coalesce(campaign_daily.clicks, 0) as click_count,
        {{ headwater.as_decimal('coalesce(campaign_daily.conversions, 0)', 18, 2) }} as conversion_count,
        campaign_daily.reported_date

    from campaign_daily

    left join campaigns
        on campaign_daily.destination = campaigns.destination
        and campaign_daily.campaign_id = campaigns.campaign_id

)

select * from daily
