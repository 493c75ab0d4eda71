with

identity_records as (

    select
        entity,
        record_node,
        needs_identifier

    from {{ ref('identity_records') }}

),

usable as (

    select record_node

    from {{ ref('identity_edges') }}

    where dropped_reason is null

    group by record_node

),

identity_components as (

    select
        node,
        component

    from {{ ref('identity_components') }}

),

clusters as (

    select
        identity_records.entity,
        identity_records.record_node,
        coalesce(identity_components.component, identity_records.record_node) as cluster_node

    from identity_records

    left join usable on identity_records.record_node = usable.record_node

    left join identity_components on identity_records.record_node = identity_components.node

    where
        not identity_records.needs_identifier
        or usable.record_node is not null

)

select * from clusters
