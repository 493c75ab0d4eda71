with

source as (

    select * from {{ source('campaigns', 'campaign_daily') }}

),

campaign_daily as (

    select
        destination,
        campaign_id,
        upper(currency) as currency,
        {{ headwater.as_euros('spend') }} as spend,
        cast(impressions as {{ dbt.type_int() }}) as impressions,
        cast(clicks as {{ dbt.type_int() }}) as clicks,
        conversions,
        date as reported_date,
        pulled_at as loaded_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from campaign_daily
