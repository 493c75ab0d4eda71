{{ headwater.table_layout(month='occurred_at', clusters=['profile_id']) }}

with

profile_records as (

    select
        source_record_id,
        profile_id

    from {{ ref('profile_records') }}

    where source_name = 'app_users'

),

subscriptions as (

    select
        subscription_id,
        user_id,
        plan,
        monthly_revenue_eur,
        started_at as occurred_at

    from {{ ref('stg_app__subscriptions') }}

    where {{ headwater.has_happened('started_at', ref('stg_app__subscriptions')) }}

),

events as (

    select
        subscriptions.subscription_id as event_id,
        profile_records.profile_id,
        subscriptions.subscription_id,
        subscriptions.plan,
        {{ headwater.as_euros('subscriptions.monthly_revenue_eur') }} as monthly_revenue_eur,
        subscriptions.occurred_at

    from subscriptions

    inner join profile_records on subscriptions.user_id = profile_records.source_record_id

)

select * from events
