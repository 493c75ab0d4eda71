{%- set since_30_days = headwater.timestamp_add(headwater.cdp_now(), -30, 'day') -%}
{%- set since_90_days = headwater.timestamp_add(headwater.cdp_now(), -90, 'day') -%}
with

people as (

    select distinct profile_id

    from {{ ref('profile_records') }}

),

page_views as (

    select
        profile_id,
        sum(case when occurred_at >= {{ since_30_days }} then 1 else 0 end)
            as page_view_count_30d,
        max(occurred_at) as last_page_view_at

    from {{ ref('event_page_viewed') }}

    group by profile_id

),

app_usage as (

    select
        profile_id,
        sum(case when occurred_at >= {{ since_30_days }} then 1 else 0 end)
            as usage_event_count_30d,
        max(occurred_at) as last_app_use_at

    from {{ ref('event_app_used') }}

    group by profile_id

),

tickets as (

    select
        profile_id,
        count(*) as ticket_count_90d

    from {{ ref('event_support_ticket_opened') }}

    where occurred_at >= {{ since_90_days }}

    group by profile_id

),

email_engagement as (

    select
        profile_id,
        sum(case when kind = 'opened' and occurred_at >= {{ since_90_days }} then 1 else 0 end)
            as email_open_count_90d,
        sum(case when kind = 'clicked' and occurred_at >= {{ since_90_days }} then 1 else 0 end)
            as email_click_count_90d,
        max(case when kind = 'opened' then occurred_at end) as last_email_open_at

    from {{ ref('event_campaign_engaged') }}

    where channel = 'email'

    group by profile_id

),

subscriptions as (

    select
        profile_id,
        plan,
        status

    from {{ ref('int_profiles__subscriptions_ranked') }}

    where preference = 1

),

traits as (

    select
        people.profile_id,
        subscriptions.plan as subscription_plan,
        subscriptions.status as subscription_status,
        cast(coalesce(page_views.page_view_count_30d, 0) as {{ dbt.type_int() }})
            as page_view_count_30d,
        cast(coalesce(app_usage.usage_event_count_30d, 0) as {{ dbt.type_int() }})
            as usage_event_count_30d,
        cast(coalesce(tickets.ticket_count_90d, 0) as {{ dbt.type_int() }}) as ticket_count_90d,
        cast(coalesce(email_engagement.email_open_count_90d, 0) as {{ dbt.type_int() }})
            as email_open_count_90d,
        cast(coalesce(email_engagement.email_click_count_90d, 0) as {{ dbt.type_int() }})
            as email_click_count_90d,
        page_views.last_page_view_at,
        app_usage.last_app_use_at,
        email_engagement.last_email_open_at

    from people

    left join page_views on people.profile_id = page_views.profile_id

    left join app_usage on people.profile_id = app_usage.profile_id

    left join tickets on people.profile_id = tickets.profile_id

    left join email_engagement on people.profile_id = email_engagement.profile_id

    left join subscriptions on people.profile_id = subscriptions.profile_id

)

select * from traits
