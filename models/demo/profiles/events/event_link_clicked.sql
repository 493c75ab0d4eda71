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

clicks as (

    select
        click_id,
        coalesce(anonymous_id, '') as anonymous_id,
        coalesce(user_id, '') as user_id,
        coalesce(customer_id, '') as customer_id,
        element,
        page_path,
        utm_campaign,
        clicked_at

    from {{ ref('stg_web__clicks') }}

    where {{ headwater.has_happened('clicked_at', ref('stg_web__clicks')) }}

),

events as (

    select
        clicks.click_id as event_id,
        profile_records.profile_id,
        clicks.element,
        clicks.page_path,
        clicks.utm_campaign,
        clicks.clicked_at as occurred_at

    from clicks

    inner join visitors
        on clicks.anonymous_id = visitors.anonymous_id
        and clicks.user_id = visitors.user_id
        and clicks.customer_id = visitors.customer_id

    inner join profile_records on visitors.visitor_id = profile_records.source_record_id

)

select * from events
