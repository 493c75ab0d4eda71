{{ headwater.table_layout(month='occurred_at', clusters=['profile_id']) }}

with

profile_records as (

    select
        source_record_id,
        profile_id

    from {{ ref('profile_records') }}

    where source_name = 'web_visitors'

),

visitors as (

    select
        visitor_id,
        coalesce(anonymous_id, '') as anonymous_id,
        coalesce(user_id, '') as user_id,
        coalesce(customer_id, '') as customer_id

    from {{ ref('stg_web__visitors') }}

),

page_views as (

    select
        page_view_id,
        coalesce(anonymous_id, '') as anonymous_id,
        coalesce(user_id, '') as user_id,
        coalesce(customer_id, '') as customer_id,
        page_path,
        product_line,
        utm_campaign,
        viewed_at

    from {{ ref('stg_web__page_views') }}

    where {{ headwater.has_happened('viewed_at', ref('stg_web__page_views')) }}

),

events as (

    select
        page_views.page_view_id as event_id,
        profile_records.profile_id,
        page_views.page_path,
        page_views.product_line,
        page_views.utm_campaign,
        page_views.viewed_at as occurred_at

    from page_views

    inner join visitors
        on page_views.anonymous_id = visitors.anonymous_id
        and page_views.user_id = visitors.user_id
        and page_views.customer_id = visitors.customer_id

    inner join profile_records on visitors.visitor_id = profile_records.source_record_id

)

select * from events
