{{ headwater.table_layout(month='occurred_at', clusters=['profile_id']) }}

with

profile_records as (

    select
        source_record_id,
        profile_id

    from {{ ref('profile_records') }}

    where source_name = 'shop_orders'

),

orders as (

    select
        order_id,
        status,
        ordered_at

    from {{ ref('stg_shop__orders') }}

    where
        status <> 'cancelled'
        and {{ headwater.has_happened('ordered_at', ref('stg_shop__orders')) }}

),

order_totals as (

    select
        order_id,
        count(*) as line_count,
        sum(quantity) as quantity,
        sum(revenue_eur) as revenue_eur

    from {{ ref('stg_shop__order_lines') }}

    group by order_id

),

events as (

    select
        orders.order_id as event_id,
        profile_records.profile_id,
        orders.order_id,
        orders.status,
        cast(coalesce(order_totals.line_count, 0) as {{ dbt.type_int() }}) as line_count,
        cast(order_totals.quantity as {{ dbt.type_int() }}) as quantity,
        case
            when orders.status = 'returned' then {{ headwater.as_euros('0') }}
            else {{ headwater.as_euros('order_totals.revenue_eur') }}
        end as revenue_eur,
        orders.ordered_at as occurred_at

    from orders

    inner join profile_records on orders.order_id = profile_records.source_record_id

    left join order_totals on orders.order_id = order_totals.order_id

)

select * from events
