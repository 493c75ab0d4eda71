with

identity_links as (

    select
        record_node,
        value_node,
        identifier_type,
        tier,
        dropped_reason,
        dropped_detail

    from {{ ref('identity_links') }}

    where dropped_reason is not null

),

identity_edges as (

    select
        record_node,
        value_node,
        identifier_type,
        dropped_reason

    from {{ ref('identity_edges') }}

    where dropped_reason is not null

),

identity_values as (

    select
        value_node,
        identifier_value,
        record_count

    from {{ ref('identity_values') }}

),

identity_entity_records as (

    select
        entity,
        record_node,
        record_key,
        entity_id

    from {{ ref('identity_entity_records') }}

),

identity_records as (

    select
        entity,
        record_node,
        record_key

    from {{ ref('identity_records') }}

),

overrides as (

    select
        entity,
        action,
        left_key,
        right_key,
        dropped_reason

    from {{ ref('int_identity__overrides_resolved') }}

    where dropped_reason is not null

),

dropped as (

    select
        record_node,
        value_node,
        identifier_type,
        dropped_reason,
        cast(null as {{ dbt.type_string() }}) as dropped_detail

    from identity_edges

    union all

    select
        record_node,
        value_node,
        identifier_type,
        dropped_reason,
        dropped_detail

    from identity_links

),

described as (

    select
        identity_records.entity,
        identity_records.record_key,
        identity_entity_records.entity_id,
        dropped.value_node,
        dropped.identifier_type,
        identity_values.identifier_value,
        dropped.dropped_reason,
        dropped.dropped_detail,
        identity_values.record_count

    from dropped

    inner join identity_records on dropped.record_node = identity_records.record_node

    left join identity_entity_records on dropped.record_node = identity_entity_records.record_node

    left join identity_values on dropped.value_node = identity_values.value_node

),

unfollowed as (

    select
        entity,
        left_key as record_key,
        cast(null as {{ dbt.type_string() }}) as entity_id,
        cast(null as {{ dbt.type_bigint() }}) as value_node,
        action as identifier_type,
        right_key as identifier_value,
        dropped_reason,
        'identity_overrides' as dropped_detail,
        cast(null as {{ dbt.type_int() }}) as record_count

    from overrides

),

unioned as (

    select * from described

    union all

    select * from unfollowed

)

select * from unioned
