-- What people bought, added up per person, per product line and per order line, is the same money.
with

events as (

    select coalesce(sum(revenue_eur), 0) as revenue_eur

    from {{ ref('event_order_placed') }}

),

lines_of_a_product_line as (

    select coalesce(sum(revenue_eur), 0) as revenue_eur

    from {{ ref('event_product_ordered') }}

    where product_line is not null

),

profiles as (

    select coalesce(sum(lifetime_value_eur), 0) as revenue_eur

    from {{ ref('profiles') }}

),

product_lines as (

    select coalesce(sum(revenue_eur), 0) as revenue_eur

    from {{ ref('profile_product_lines') }}

),

order_lines as (

    select coalesce(sum({{ headwater.as_euros('order_lines.revenue_eur') }}), 0) as revenue_eur

    from {{ ref('stg_shop__order_lines') }} as order_lines

    inner join {{ ref('stg_shop__orders') }} as orders on order_lines.order_id = orders.order_id

    inner join {{ ref('profile_records') }} as profile_records
        on orders.order_id = profile_records.source_record_id
        and profile_records.source_name = 'shop_orders'

    where
        orders.status in ('placed', 'shipped')
        and orders.ordered_at <= {{ headwater.cdp_now() }}

)

select
    order_lines.revenue_eur as order_lines_eur,
    events.revenue_eur as events_eur,
    profiles.revenue_eur as profiles_eur,
    product_lines.revenue_eur as product_lines_eur

from events

cross join lines_of_a_product_line

cross join profiles

cross join product_lines

cross join order_lines

where
    order_lines.revenue_eur <> events.revenue_eur
    or events.revenue_eur <> profiles.revenue_eur
    or lines_of_a_product_line.revenue_eur <> product_lines.revenue_eur
