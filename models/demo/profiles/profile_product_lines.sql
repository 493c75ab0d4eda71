{%- set no_money = headwater.as_euros('null') -%}
with

orders as (

    select
        profile_id,
        product_line,
        count(distinct order_id) as order_count,
        sum(revenue_eur) as revenue_eur,
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at,
        max(occurred_at) as last_order_at,
        0 as page_view_count,
        0 as ticket_count

    from {{ ref('event_product_ordered') }}

    where product_line is not null

    group by profile_id, product_line

),

page_views as (

    select
        profile_id,
        product_line,
        0 as order_count,
        {{ no_money }} as revenue_eur,
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at,
        cast(null as {{ dbt.type_timestamp() }}) as last_order_at,
        count(*) as page_view_count,
        0 as ticket_count

    from {{ ref('event_page_viewed') }}

    where product_line is not null

    group by profile_id, product_line

),

tickets as (

    select
        profile_id,
        product_line,
        0 as order_count,
        {{ no_money }} as revenue_eur,
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at,
        cast(null as {{ dbt.type_timestamp() }}) as last_order_at,
        0 as page_view_count,
        count(*) as ticket_count

    from {{ ref('event_support_ticket_opened') }}

    where product_line is not null

    group by profile_id, product_line

),

app_usage as (

    select
        profile_id,
        'app' as product_line,
        0 as order_count,
        {{ no_money }} as revenue_eur,
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at,
        cast(null as {{ dbt.type_timestamp() }}) as last_order_at,
        0 as page_view_count,
        0 as ticket_count

    from {{ ref('event_app_used') }}

    group by profile_id

),

subscription_starts as (

    select
        profile_id,
        'app' as product_line,
        0 as order_count,
        {{ no_money }} as revenue_eur,
        min(started_at) as first_activity_at,
        max(started_at) as last_activity_at,
        cast(null as {{ dbt.type_timestamp() }}) as last_order_at,
        0 as page_view_count,
        0 as ticket_count

    from {{ ref('int_profiles__subscriptions_ranked') }}

    group by profile_id

),

subscriptions as (

    select
        profile_id,
        'app' as product_line,
        status as subscription_state

    from {{ ref('int_profiles__subscriptions_ranked') }}

    where preference = 1

),

activities as (
    {% for activity in ['orders', 'page_views', 'tickets', 'app_usage', 'subscription_starts'] %}
    select
        profile_id,
        product_line,
        order_count,
        revenue_eur,
        first_activity_at,
        last_activity_at,
        last_order_at,
        page_view_count,
        ticket_count

    from {{ activity }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

totals as (

    select
        profile_id,
        product_line,
        sum(order_count) as order_count,
        sum(revenue_eur) as revenue_eur,
        sum(page_view_count) as page_view_count,
        sum(ticket_count) as ticket_count,
        min(first_activity_at) as first_activity_at,
        max(last_activity_at) as last_activity_at,
        max(last_order_at) as last_order_at

    from activities

    group by profile_id, product_line

),

product_lines as (

    select
        totals.profile_id,
        totals.product_line,
        subscriptions.subscription_state,
        cast(totals.order_count as {{ dbt.type_int() }}) as order_count,
        {{ headwater.as_euros('coalesce(totals.revenue_eur, 0)') }} as revenue_eur,
        cast(totals.page_view_count as {{ dbt.type_int() }}) as page_view_count,
        cast(totals.ticket_count as {{ dbt.type_int() }}) as ticket_count,
        totals.first_activity_at,
        totals.last_activity_at,
        totals.last_order_at

    from totals

    left join subscriptions
        on totals.profile_id = subscriptions.profile_id
        and totals.product_line = subscriptions.product_line

)

select * from product_lines
