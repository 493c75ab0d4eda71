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

    where status <> 'cancelled'

),

order_lines as (

    select
        order_line_id,
        order_id,
        product_id,
        quantity,
        revenue_eur

    from {{ ref('stg_shop__order_lines') }}

),

products as (

    select
        product_id,
        product_line

    from {{ ref('stg_shop__products') }}

),

events as (

    select
        order_lines.order_line_id as event_id,
        profile_records.profile_id,
        orders.order_id,
        order_lines.product_id,
        products.product_line,
        orders.status,
        cast(order_lines.quantity as {{ dbt.type_int() }}) as quantity,
        case
            when orders.status = 'returned' then {{ headwater.as_euros('0') }}
            else {{ headwater.as_euros('order_lines.revenue_eur') }}
        end as revenue_eur,
        orders.ordered_at as occurred_at

    from order_lines

    inner join orders on order_lines.order_id = orders.order_id

    inner join profile_records on orders.order_id = profile_records.source_record_id

    left join products on order_lines.product_id = products.product_id

    where {{ headwater.has_happened('orders.ordered_at', ref('stg_shop__orders') ~ ' as orders') }}

)

select * from events
