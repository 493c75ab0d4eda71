-- No entity is known by more values of a type than its limit; hand-made links alone may put more together.
with

identity_links as (

    select
        record_node,
        counted_node,
        identifier_type,
        cluster_node,
        value_limit,
        tier

    from {{ ref('identity_links') }}

    where dropped_reason is null

),

by_hand as (

    select cluster_node

    from identity_links

    where tier = 0

    group by cluster_node

),

over_limit as (

    select
        identity_links.cluster_node,
        identity_links.identifier_type

    from identity_links

    left join by_hand on identity_links.cluster_node = by_hand.cluster_node

    where
        by_hand.cluster_node is null
        and identity_links.value_limit is not null

    group by identity_links.cluster_node, identity_links.identifier_type

    having count(distinct identity_links.counted_node) > max(identity_links.value_limit)

)

select * from over_limit
