with

people as (

    select distinct profile_id

    from {{ ref('profile_records') }}

),

orders as (

    select
        profile_id,
        status,
        revenue_eur,
        occurred_at as ordered_at

    from {{ ref('event_order_placed') }}

),

order_lines as (

    select
        profile_id,
        product_line,
        revenue_eur

    from {{ ref('event_product_ordered') }}

    where product_line is not null

),

order_totals as (

    select
        profile_id,
        count(*) as order_count,
        sum(case when status = 'returned' then 1 else 0 end) as returned_order_count,
        sum(revenue_eur) as lifetime_value_eur,
        sum(case when status <> 'returned' then revenue_eur end) as kept_revenue_eur,
        count(case when status <> 'returned' then revenue_eur end) as kept_order_count,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at

    from orders

    group by profile_id

),

product_line_totals as (

    select
        profile_id,
        product_line,
        sum(revenue_eur) as revenue_eur,
        count(*) as line_count

    from order_lines

    group by profile_id, product_line

),

product_lines_ranked as (

    select
        profile_id,
        product_line,
        row_number() over (
            partition by profile_id
            order by
                revenue_eur desc nulls last, line_count desc, product_line asc nulls last
        ) as preference

    from product_line_totals

),

traits as (

    select
        people.profile_id,
        product_lines_ranked.product_line as favourite_product_line,
        cast(coalesce(order_totals.order_count, 0) as {{ dbt.type_int() }}) as order_count,
        cast(coalesce(order_totals.returned_order_count, 0) as {{ dbt.type_int() }})
            as returned_order_count,
        {{ headwater.as_euros('coalesce(order_totals.lifetime_value_eur, 0)') }} as lifetime_value_eur,
        {{ headwater.euros_per('order_totals.kept_revenue_eur', 'order_totals.kept_order_count') }}
            as average_order_eur,
        order_totals.first_order_at,
        order_totals.last_order_at

    from people

    left join order_totals on people.profile_id = order_totals.profile_id

    left join product_lines_ranked
        on people.profile_id = product_lines_ranked.profile_id
        and product_lines_ranked.preference = 1

)

select * from traits
