with

orders as (

    select
        profile_id,
        product_line,
        count(distinct order_id) as order_count,
        coalesce(sum(revenue_eur), 0) as revenue_eur,
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at

    from {{ ref('event_product_ordered') }}

    where product_line is not null

    group by profile_id, product_line

),

traits as (

    select
        profile_id,
        product_line,
        cast(order_count as {{ dbt.type_int() }}) as order_count,
        {{ headwater.as_euros('revenue_eur') }} as revenue_eur,
        last_activity_at as last_order_at,
        first_activity_at,
        last_activity_at

    from orders

)

select * from traits
