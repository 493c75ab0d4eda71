{{ config(materialized='by_key', unique_key='subscription_id') }}

with

source as (

    select
        subscription_id,
        user_id,
        plan,
        status,
        mrr_eur,
        started_at,
        canceled_at,
        ingested_at
    from {{ headwater.rows_by_key(source('app', 'subscriptions'), 'subscription_id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('subscription_id') }}
    qualify
        row_number() over (
            partition by subscription_id
            order by
                ingested_at desc nulls last,
                {{ headwater.by_each(['user_id', 'plan', 'status', 'mrr_eur', 'started_at', 'canceled_at']) }}
        ) = 1

),

subscriptions as (

    select
        subscription_id,
        user_id,
        lower(trim(plan)) as plan,
        case lower(trim(status))
            when 'trialing' then 'trial'
            when 'canceled' then 'cancelled'
            else lower(trim(status))
        end as status,
        {{ headwater.as_euros(headwater.cast_or_null('mrr_eur', dbt.type_numeric())) }} as monthly_revenue_eur,
        {{ headwater.cast_or_null('started_at', dbt.type_timestamp()) }} as started_at,
        {{ headwater.cast_or_null('canceled_at', dbt.type_timestamp()) }} as cancelled_at,
        {{ headwater.cast_or_null('ingested_at', dbt.type_timestamp()) }} as loaded_at
    from deduplicated

)

select * from subscriptions
