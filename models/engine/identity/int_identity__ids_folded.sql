{%- set entities = headwater.identity_rules() -%}
with -- noqa: disable=LT02

identifiers as (

    select
        record_node,
        value_node,
        entity,
        identifier_type

    from {{ ref('identity_edges') }}

    where dropped_reason is null

),

agreeing as (

    select
        compared.value_node,
        compared.record_node

    from {{ ref('int_identity__attributes_compared') }} as compared

    inner join {{ ref('identity_values') }} as identity_values
        on compared.value_node = identity_values.value_node

    where
        compared.outcome = 'agrees'
        and identity_values.dropped_reason is null
        and not {{ headwater.identity_types_where(entities, 'strong', 'compared.') }}

),

ids_by_value as (

    select
        agreeing.value_node,
        identifiers.identifier_type,
        identifiers.value_node as id_node

    from agreeing

    inner join identifiers on agreeing.record_node = identifiers.record_node

    where {{ headwater.identity_types_where(entities, 'foldable', 'identifiers.') }}

    group by agreeing.value_node, identifiers.identifier_type, identifiers.value_node

),

with_first as (

    select
        id_node,
        min(id_node) over (partition by value_node, identifier_type) as first_node

    from ids_by_value

),

once as (

    select
        id_node,
        min(first_node) as first_node

    from with_first

    group by id_node

    having min(first_node) < id_node

),

-- Who changed addresses has checkouts of both, and what joins the first to the second.
twice as (

    select
        once.id_node,
        coalesce(following.first_node, once.first_node) as first_node

    from once

    left join once as following on once.first_node = following.id_node

),

folded as (

    select
        twice.id_node as value_node,
        coalesce(following.first_node, twice.first_node) as counted_node

    from twice

    left join twice as following on twice.first_node = following.id_node

)

select * from folded
