with source as (
    select messageId as message_id, type, event, anonymousId as anonymous_id, userId as user_id, traits, properties, context,
        timestamp as happened, receivedAt as received
    from {{ source('stream', 'events') }}
),
deduplicated as (
    select * from source where {{ headwater.has_key('message_id') }}
    qualify row_number() over (partition by message_id order by received desc nulls last, {{ headwater.by_each(['type', 'event', 'anonymous_id', 'user_id']) }}) = 1
),
events as (
    select message_id, type, event, anonymous_id, user_id,
        coalesce({{ headwater.normalise_email(headwater.json_part('traits', 'email')) }}, {{ headwater.normalise_email(headwater.json_part('context', 'traits.email')) }}) as email,
        {{ headwater.normalise_phone(headwater.json_part('traits', 'phone')) }} as phone,
        {{ headwater.normalise_name(headwater.json_part('traits', 'firstName')) }} as first_name,
        {{ headwater.normalise_country(headwater.json_part('traits', 'address.country')) }} as country,
        {{ headwater.json_part('properties', 'order_id') }} as order_id,
        {{ headwater.read(headwater.json_part('properties', 'revenue'), 'number') }} as revenue,
        {{ headwater.cast_or_null('happened', dbt.type_timestamp()) }} as occurred_at
    from deduplicated
)
select * from events
