{%- set confirmations = headwater.identity_confirmations(headwater.identity_rules()) -%}
with -- noqa: disable=LT02

identifiers as (

    select
        identifiers.entity,
        identifiers.record_node,
        identifiers.value_node,
        identifiers.identifier_type,
        identifiers.source_name

    from {{ ref('int_identity__identifiers_unpivoted') }} as identifiers

    inner join {{ ref('int_identity__values_screened') }} as screened
        on identifiers.value_node = screened.value_node

    where
        screened.dropped_reason is null
        and not identifiers.is_expired

),

-- What somebody carries who is filed under an id, such as a contact's domain under an account.
claimed as (

    select
        identifiers.record_node,
        identifiers.value_node,
        ids.value_node as id_node

    from identifiers

    inner join identifiers as ids on identifiers.record_node = ids.record_node

    where
        1 = 0
        {%- for one in confirmations %}
        or (
            identifiers.entity = {{ headwater.string_literal(one.entity) }}
            and identifiers.source_name = {{ headwater.string_literal(one.source_name) }}
            and identifiers.identifier_type = {{ headwater.string_literal(one.type) }}
            and ids.identifier_type in ({% for type in one.confirmed_by %}{{ headwater.string_literal(type) }}{{ ', ' if not loop.last }}{% endfor %})
        )
        {%- endfor %}

),

claimed_ids as (

    select id_node

    from claimed

    group by id_node

),

-- What the records of those ids say of themselves.
own as (

    select
        ids.value_node as id_node,
        identifiers.value_node

    from identifiers

    inner join identifiers as ids on identifiers.record_node = ids.record_node

    inner join claimed_ids
        on ids.value_node = claimed_ids.id_node

    where
        1 = 1
        {%- for one in confirmations %}
        and not (
            identifiers.entity = {{ headwater.string_literal(one.entity) }}
            and identifiers.source_name = {{ headwater.string_literal(one.source_name) }}
            and identifiers.identifier_type = {{ headwater.string_literal(one.type) }}
        )
        {%- endfor %}

    group by ids.value_node, identifiers.value_node

),

unconfirmed as (

    select
        claimed.record_node,
        claimed.value_node

    from claimed

    left join own
        on claimed.id_node = own.id_node
        and claimed.value_node = own.value_node

    group by claimed.record_node, claimed.value_node

    having count(own.value_node) = 0

)

select * from unconfirmed
