-- What people bought, added up per person, per product line and per order line, is the same money. An order whose time or status cannot
-- be read, or that is nobody's, is in no figure: it is lost, which warns, and is an error over the share that var `cdp_unread` allows.
{{ config(fail_calc='coalesce(sum(weight), 0)', warn_if='> 0', error_if='>= 10') }}
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

    select
        {{ headwater.as_euros('order_lines.revenue_eur') }} as revenue_eur,
        case
            when
                orders.ordered_at is null
                or orders.status is null
                or profile_records.source_record_id is null then 1
            else 0
        end as is_lost

    from {{ ref('stg_shop__order_lines') }} as order_lines

    left join {{ ref('stg_shop__orders') }} as orders on order_lines.order_id = orders.order_id

    left join {{ ref('profile_records') }} as profile_records
        on orders.order_id = profile_records.source_record_id
        and profile_records.source_name = 'shop_orders'

    where
        (orders.status is null or orders.status not in ('cancelled', 'returned'))
        and (orders.ordered_at is null or orders.ordered_at <= {{ headwater.cdp_now() }})

),

bought as (

    select
        coalesce(sum(case when is_lost = 0 then revenue_eur end), 0) as revenue_eur,
        coalesce(sum(case when is_lost = 1 then revenue_eur end), 0) as lost_eur,
        sum(is_lost) as lost_count

    from order_lines

),

compared as (

    select
        bought.revenue_eur as bought_eur,
        bought.lost_eur,
        bought.lost_count,
        events.revenue_eur as events_eur,
        profiles.revenue_eur as profiles_eur,
        product_lines.revenue_eur as product_lines_eur,
        case
            when
                bought.revenue_eur <> events.revenue_eur
                or events.revenue_eur <> profiles.revenue_eur
                or lines_of_a_product_line.revenue_eur <> product_lines.revenue_eur then 10
            when bought.lost_eur * 100 > (bought.revenue_eur + bought.lost_eur) * {{ headwater.unread_settings().stop_percent if headwater.has_demo() else 0 }} then 10
            when bought.lost_count > 0 then 1
            else 0
        end as weight

    from events

    cross join lines_of_a_product_line

    cross join profiles

    cross join product_lines

    cross join bought

)

select * from compared where weight > 0
