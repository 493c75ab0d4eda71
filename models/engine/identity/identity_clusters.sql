with

identity_records as (

    select
        entity,
        record_node,
        needs_identifier

    from {{ ref('identity_records') }}

),

linked as (

    select
        record_node,
        min(component_node) as component_node,
        min(cluster_node) as cluster_node,
        max(case when tier >= 0 and dropped_reason is null then 1 else 0 end) = 1 as has_identifier

    from {{ ref('identity_links') }}

    group by record_node

),

clusters as (

    select
        identity_records.entity,
        identity_records.record_node,
        coalesce(linked.cluster_node, identity_records.record_node) as cluster_node,
        coalesce(linked.component_node, identity_records.record_node) as component_node

    from identity_records

    left join linked on identity_records.record_node = linked.record_node

    where
        not identity_records.needs_identifier
        or coalesce(linked.has_identifier, false)

)

select * from clusters
