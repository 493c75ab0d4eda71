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
        -- As of now: a cancellation still to come has not happened.
        case
            when status = 'cancelled' and not {{ headwater.has_happened('cancelled_at', ref('stg_app__subscriptions')) }} then 'active'
            else status
        end as status,
        monthly_revenue_eur,
        started_at,
        cancelled_at

    from {{ ref('stg_app__subscriptions') }}

    where {{ headwater.has_happened('started_at', ref('stg_app__subscriptions')) }}

),

-- A person with several user accounts has the subscription that still runs, the paid one before the
-- trial.
ranked as (

    select
        subscriptions.subscription_id,
        profile_records.profile_id,
        subscriptions.plan,
        subscriptions.status,
        subscriptions.monthly_revenue_eur,
        subscriptions.started_at,
        subscriptions.cancelled_at,
        row_number() over (
            partition by profile_records.profile_id
            order by
                case subscriptions.status when 'active' then 1 when 'trial' then 2 else 3 end asc,
                subscriptions.monthly_revenue_eur desc nulls last,
                subscriptions.started_at desc nulls last,
                subscriptions.subscription_id asc
        ) as preference

    from subscriptions

    inner join profile_records on subscriptions.user_id = profile_records.source_record_id

)

select * from ranked
