with -- noqa: disable=LT02

links as (

    select
        record_node,
        value_node,
        tier

    from {{ ref('identity_links') }}

    where
        dropped_reason is null
        and tier >= 0

),

records as (

    select
        entity,
        record_node,
        entity_id

    from {{ ref('identity_entity_records') }}

),

entities as (

    select
        entity,
        entity_id,
        count(*) as record_count

    from records

    group by entity, entity_id

),

decided as (

    select records.entity_id

    from links

    inner join records on links.record_node = records.record_node

    where links.tier = 0

    group by records.entity_id

),

{% if headwater.identity_matching_enabled() -%}
pairs as (

    select
        value_node,
        min(record_node) as left_node,
        max(record_node) as right_node

    from links

    where tier = {{ headwater.identity_matching_tier() }}

    group by value_node

    having count(*) = 2

),

-- Two that share an identifier need no likeness.
borne_out as (

    select pairs.value_node

    from pairs

    inner join links as left_links
        on pairs.left_node = left_links.record_node
        and left_links.tier < {{ headwater.identity_matching_tier() }}

    inner join links as right_links
        on pairs.right_node = right_links.record_node
        and left_links.value_node = right_links.value_node

    group by pairs.value_node

),

probable as (

    select records.entity_id

    from pairs

    inner join records on pairs.left_node = records.record_node

    left join borne_out on pairs.value_node = borne_out.value_node

    where borne_out.value_node is null

    group by records.entity_id

),

{% endif -%}
confidence as (

    select
        entities.entity,
        entities.entity_id,
        case
            when entities.record_count = 1 then 'single'
            {%- if headwater.identity_matching_enabled() %}
            when probable.entity_id is not null then 'probable'
            {%- endif %}
            when decided.entity_id is not null then 'decided'
            else 'identifier'
        end as joined_by

    from entities

    left join decided on entities.entity_id = decided.entity_id
    {%- if headwater.identity_matching_enabled() %}

    left join probable on entities.entity_id = probable.entity_id
    {%- endif %}

)

select * from confidence
