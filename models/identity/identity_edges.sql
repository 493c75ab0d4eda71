with

identifiers as (

    select
        entity,
        record_node,
        value_node,
        identifier_type,
        tier,
        is_expired,
        first_seen_at,
        last_seen_at

    from {{ ref('int_identity__identifiers_unpivoted') }}

),

identity_values as (

    select
        value_node,
        dropped_reason

    from {{ ref('identity_values') }}

),

decided as (

    select
        identifiers.entity,
        identifiers.record_node,
        identifiers.value_node,
        identifiers.identifier_type,
        case
            when identity_values.dropped_reason is not null then identity_values.dropped_reason
            when identifiers.is_expired then 'expired'
        end as dropped_reason,
        identifiers.tier,
        identifiers.first_seen_at,
        identifiers.last_seen_at

    from identifiers

    inner join identity_values on identifiers.value_node = identity_values.value_node

)

select * from decided
