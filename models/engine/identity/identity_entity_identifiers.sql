with

identity_links as (

    select
        record_node,
        value_node

    from {{ ref('identity_links') }}

    where dropped_reason is null

),

identity_entity_records as (

    select
        record_node,
        entity_id,
        source_name,
        first_seen_at,
        last_seen_at

    from {{ ref('identity_entity_records') }}

),

identity_values as (

    select
        value_node,
        entity,
        identifier_type,
        identifier_value

    from {{ ref('identity_values') }}

    where dropped_reason is null

),

-- A value that links is in one entity only, so it alone is the key.
gathered as (

    select
        identity_links.value_node,
        min(identity_entity_records.entity_id) as entity_id,
        {{ headwater.string_agg_distinct('identity_entity_records.source_name') }} as source_names,
        count(*) as record_count,
        min(identity_entity_records.first_seen_at) as first_seen_at,
        max(identity_entity_records.last_seen_at) as last_seen_at

    from identity_links

    inner join identity_entity_records
        on identity_links.record_node = identity_entity_records.record_node

    group by identity_links.value_node

),

named as (

    select
        gathered.value_node,
        identity_values.entity,
        gathered.entity_id,
        identity_values.identifier_type,
        identity_values.identifier_value,
        gathered.source_names,
        gathered.record_count,
        gathered.first_seen_at,
        gathered.last_seen_at

    from gathered

    inner join identity_values on gathered.value_node = identity_values.value_node

)

select * from named
