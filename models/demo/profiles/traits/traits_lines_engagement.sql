with

page_views as (

    select
        profile_id,
        product_line,
        cast(null as {{ dbt.type_string() }}) as subscription_state,
        count(*) as page_view_count,
        0 as ticket_count,
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at

    from {{ ref('event_page_viewed') }}

    where product_line is not null

    group by profile_id, product_line

),

tickets as (

    select
        profile_id,
        product_line,
        cast(null as {{ dbt.type_string() }}) as subscription_state,
        0 as page_view_count,
        count(*) as ticket_count,
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at

    from {{ ref('event_support_ticket_opened') }}

    where product_line is not null

    group by profile_id, product_line

),

app_usage as (

    select
        profile_id,
        'app' as product_line,
        cast(null as {{ dbt.type_string() }}) as subscription_state,
        0 as page_view_count,
        0 as ticket_count,
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at

    from {{ ref('event_app_used') }}

    group by profile_id

),

subscriptions as (

    select
        profile_id,
        'app' as product_line,
        max(case when preference = 1 then status end) as subscription_state,
        0 as page_view_count,
        0 as ticket_count,
        min(started_at) as first_activity_at,
        max(started_at) as last_activity_at

    from {{ ref('int_profiles__subscriptions_ranked') }}

    group by profile_id

),

activities as (
    {% for activity in ['page_views', 'tickets', 'app_usage', 'subscriptions'] %}
    select
        profile_id,
        product_line,
        subscription_state,
        page_view_count,
        ticket_count,
        first_activity_at,
        last_activity_at

    from {{ activity }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

traits as (

    select
        profile_id,
        product_line,
        max(subscription_state) as subscription_state,
        cast(sum(page_view_count) as {{ dbt.type_int() }}) as page_view_count,
        cast(sum(ticket_count) as {{ dbt.type_int() }}) as ticket_count,
        min(first_activity_at) as first_activity_at,
        max(last_activity_at) as last_activity_at

    from activities

    group by profile_id, product_line

)

select * from traits
