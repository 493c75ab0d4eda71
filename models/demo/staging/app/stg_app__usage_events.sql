{{ config(materialized='by_key', unique_key='event_id') }}

with

source as (

    select
        event_id,
        user_id,
        event,
        occurred_epoch,
        received_epoch
    from {{ headwater.rows_by_key(source('app', 'usage_events'), 'event_id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('event_id') }}
    qualify
        row_number() over (
            partition by event_id
            order by
                received_epoch desc nulls last,
                {{ headwater.by_each(['user_id', 'event', 'occurred_epoch']) }}
        ) = 1

),

usage_events as (

    select
        cast(event_id as {{ dbt.type_string() }}) as event_id,
        user_id,
        lower(trim(event)) as event_name,
        {{ headwater.unix_timestamp(headwater.cast_or_null('occurred_epoch', dbt.type_int())) }} as occurred_at,
        {{ headwater.unix_timestamp(headwater.cast_or_null('received_epoch', dbt.type_int())) }} as loaded_at
    from deduplicated

)

select * from usage_events
