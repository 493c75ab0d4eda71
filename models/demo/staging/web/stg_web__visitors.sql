with

page_views as (

    select
        anonymous_id,
        user_id,
        customer_id,
        device_id,
        viewed_at as seen_at
    from {{ ref('stg_web__page_views') }}

),

clicks as (

    select
        anonymous_id,
        user_id,
        customer_id,
        device_id,
        clicked_at as seen_at
    from {{ ref('stg_web__clicks') }}

),

visits as (

    select * from page_views
    union all
    select * from clicks

),

visitors as (

    select
        {{ headwater.md5_hex(dbt.concat([
            "coalesce(anonymous_id, '')", "'|'", "coalesce(user_id, '')", "'|'", "coalesce(customer_id, '')",
        ])) }} as visitor_id,
        anonymous_id,
        user_id,
        customer_id,
        max(device_id) as device_id,
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at
    from visits
    where coalesce(anonymous_id, user_id, customer_id) is not null
    group by anonymous_id, user_id, customer_id

)

select * from visitors
