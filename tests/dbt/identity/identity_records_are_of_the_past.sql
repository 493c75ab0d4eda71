-- A record dated later than tomorrow, by source: a year mistyped, day and month in the other order, or milliseconds taken for seconds.
-- A warning, since identity itself is right without the date: such a record has the worst claim to a value that changes hands.
{{ config(severity='warn') }}
with

identity_records as (

    select
        entity,
        source_name,
        first_seen_at,
        last_seen_at

    from {{ ref('identity_records') }}

),

future as (

    select
        entity,
        source_name,
        count(*) as record_count,
        max(coalesce(last_seen_at, first_seen_at)) as latest_at

    from identity_records

    where
        first_seen_at > {{ headwater.timestamp_add(headwater.cdp_now(), 1, 'day') }}
        or last_seen_at > {{ headwater.timestamp_add(headwater.cdp_now(), 1, 'day') }}

    group by entity, source_name

)

select * from future
