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
        and (identity_values.dropped_reason is null or (identity_values.dropped_reason = 'ambiguous' and compared.is_borne_out))
        and not {{ headwater.identity_types_where(entities, 'strong', 'compared.') }}

),

{% if headwater.identity_matching_enabled() -%}
-- Two records that are surely one by likeness: their ids are one's, so that no limit takes a cluster of such apart.
likened as (

    select
        pairs.entity,
        left_records.record_node as left_node,
        right_records.record_node as right_node,
        {{ headwater.node_key(dbt.concat(["pairs.entity", "'|match|'", "pairs.left_record_key", "'|'", "pairs.right_record_key"])) }} as pair_node

    from {{ ref('matched_pairs') }} as pairs

    inner join {{ ref('identity_records') }} as left_records
        on pairs.entity = left_records.entity
        and pairs.left_record_key = left_records.record_key

    inner join {{ ref('identity_records') }} as right_records
        on pairs.entity = right_records.entity
        and pairs.right_record_key = right_records.record_key

    where round(pairs.match_probability, 3) >= {{ headwater.matching_settings().strong }}

),

likened_records as (

    select
        pair_node,
        left_node as record_node

    from likened

    union all

    select
        pair_node,
        right_node as record_node

    from likened

),

{% endif -%}
ids_by_value as (

    {% if headwater.identity_matching_enabled() -%}
    select
        likened_records.pair_node as value_node,
        identifiers.identifier_type,
        identifiers.value_node as id_node

    from likened_records

    inner join identifiers on likened_records.record_node = identifiers.record_node

    where {{ headwater.identity_types_where(entities, 'repeatable', 'identifiers.') }}

    group by likened_records.pair_node, identifiers.identifier_type, identifiers.value_node

    union all

    {% endif -%}
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
