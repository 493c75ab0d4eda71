{{ headwater.table_layout(month='occurred_at', clusters=['profile_id']) }}

with

profile_records as (

    select
        source_record_id,
        profile_id

    from {{ ref('profile_records') }}

    where source_name = 'app_users'

),

usage_events as (

    select
        event_id,
        user_id,
        event_name,
        occurred_at

    from {{ ref('stg_app__usage_events') }}

    where {{ headwater.has_happened('occurred_at', ref('stg_app__usage_events')) }}

),

events as (

    select
        usage_events.event_id,
        profile_records.profile_id,
        usage_events.event_name,
        usage_events.occurred_at

    from usage_events

    inner join profile_records on usage_events.user_id = profile_records.source_record_id

)

select * from events
