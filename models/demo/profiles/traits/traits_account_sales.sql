with

account_contacts as (

    select
        account_id,
        profile_id,
        role

    from {{ ref('account_contacts') }}

),

account_records as (

    select
        account_id,
        source_name,
        source_record_id

    from {{ ref('account_records') }}

),

traits_commerce as (

    select
        profile_id,
        lifetime_value_eur

    from {{ ref('traits_commerce') }}

),

traits_engagement as (

    select
        profile_id,
        usage_event_count_30d,
        last_app_use_at

    from {{ ref('traits_engagement') }}

),

subscriptions as (

    select
        profile_id,
        monthly_revenue_eur

    from {{ ref('int_profiles__subscriptions_ranked') }}

    where
        preference = 1
        and status = 'active'

),

opportunities as (

    select
        crm_account_id,
        sum(case when stage = 'open' then amount_eur end) as open_opportunity_eur,
        sum(case when stage = 'won' then amount_eur end) as won_eur,
        sum(case when stage = 'open' then 1 else 0 end) as open_opportunity_count

    from {{ ref('stg_crm__opportunities') }}

    where {{ headwater.has_happened('created_at', ref('stg_crm__opportunities')) }}

    group by crm_account_id

),

accounts as (

    select distinct account_id from account_records

),

contact_totals as (

    select
        account_contacts.account_id,
        sum(case when account_contacts.role = 'decision_maker' then 1 else 0 end)
            as decision_maker_count,
        sum(case when traits_engagement.usage_event_count_30d > 0 then 1 else 0 end)
            as active_user_count,
        sum(case when subscriptions.profile_id is not null then 1 else 0 end)
            as subscriber_count,
        sum(subscriptions.monthly_revenue_eur) as monthly_revenue_eur,
        sum(traits_commerce.lifetime_value_eur) as order_revenue_eur,
        max(traits_engagement.last_app_use_at) as last_app_use_at

    from account_contacts

    left join traits_engagement on account_contacts.profile_id = traits_engagement.profile_id

    left join traits_commerce on account_contacts.profile_id = traits_commerce.profile_id

    left join subscriptions on account_contacts.profile_id = subscriptions.profile_id

    group by account_contacts.account_id

),

opportunity_totals as (

    select
        account_records.account_id,
        sum(opportunities.open_opportunity_count) as open_opportunity_count,
        sum(opportunities.open_opportunity_eur) as open_opportunity_eur,
        sum(opportunities.won_eur) as won_eur

    from account_records

    inner join opportunities on account_records.source_record_id = opportunities.crm_account_id

    where account_records.source_name = 'crm_accounts'

    group by account_records.account_id

),

traits_account_sales as (

    select
        accounts.account_id,
        cast(coalesce(contact_totals.decision_maker_count, 0) as {{ dbt.type_int() }})
            as decision_maker_count,
        cast(coalesce(contact_totals.active_user_count, 0) as {{ dbt.type_int() }})
            as active_user_count,
        cast(coalesce(contact_totals.subscriber_count, 0) as {{ dbt.type_int() }})
            as subscriber_count,
        cast(coalesce(opportunity_totals.open_opportunity_count, 0) as {{ dbt.type_int() }})
            as open_opportunity_count,
        {{ headwater.as_euros('coalesce(contact_totals.monthly_revenue_eur, 0)') }} as monthly_revenue_eur,
        {{ headwater.as_euros('coalesce(contact_totals.order_revenue_eur, 0)') }} as order_revenue_eur,
        {{ headwater.as_euros('coalesce(opportunity_totals.open_opportunity_eur, 0)') }}
            as open_opportunity_eur,
        {{ headwater.as_euros('coalesce(opportunity_totals.won_eur, 0)') }} as won_eur,
        contact_totals.last_app_use_at

    from accounts

    left join contact_totals on accounts.account_id = contact_totals.account_id

    left join opportunity_totals on accounts.account_id = opportunity_totals.account_id

)

select * from traits_account_sales
