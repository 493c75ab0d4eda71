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
        max(case when tier > 0 and dropped_reason is null then 1 else 0 end) = 1 as has_identifier,
        max(case when tier = 0 and dropped_reason is null then 1 else 0 end) = 1 as is_linked_by_decision

    from {{ ref('identity_links') }}

    group by record_node

),

clustered as (

    select
        identity_records.entity,
        identity_records.record_node,
        coalesce(linked.cluster_node, identity_records.record_node) as cluster_node,
        coalesce(linked.component_node, identity_records.record_node) as component_node,
        not identity_records.needs_identifier or coalesce(linked.has_identifier, false) as stands_alone,
        coalesce(linked.is_linked_by_decision, false) as is_linked_by_decision

    from identity_records

    left join linked on identity_records.record_node = linked.record_node

),

-- By hand, or merged by its source: such a record comes along with one that stands alone, and two that do not found nothing together.
taken_along as (

    select distinct
        clustered.record_node,
        clustered.entity

    from clustered

    inner join clustered as others
        on clustered.entity = others.entity
        and clustered.cluster_node = others.cluster_node

    where
        not clustered.stands_alone
        and clustered.is_linked_by_decision
        and others.stands_alone

),

clusters as (

    select
        clustered.entity,
        clustered.record_node,
        clustered.cluster_node,
        clustered.component_node

    from clustered

    left join taken_along
        on clustered.entity = taken_along.entity
        and clustered.record_node = taken_along.record_node

    where
        clustered.stands_alone
        or taken_along.record_node is not null

)

select * from clusters
