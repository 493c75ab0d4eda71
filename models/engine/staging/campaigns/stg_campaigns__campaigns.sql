with

source as (

    select * from {{ source('campaigns', 'campaigns') }}

),

campaigns as (

    select
        destination,
        campaign_id,
        campaign_name,
        lower(channel) as channel,
        lower(status) as status,
        started_at,
        pulled_at as loaded_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from campaigns
