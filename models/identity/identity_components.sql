{{ config(materialized='components') }}

with

edges as (

    select
        record_node,
        value_node

    from {{ ref('identity_edges') }}

    where dropped_reason is null

),

-- One record stands for all that share a value: n - 1 links instead of n * (n - 1) / 2.
hubs as (

    select
        value_node,
        min(record_node) as record_node

    from edges

    group by value_node

    having count(*) > 1

),

links as (

    select
        hubs.record_node as left_key,
        edges.record_node as right_key

    from edges

    inner join hubs on edges.value_node = hubs.value_node

    where edges.record_node <> hubs.record_node

)

select * from links
