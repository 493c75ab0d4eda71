{#- Which records there are is known when this runs; what it may then read is told before. -#}
{%- if not execute -%}{%- do ref('int_identity__identifiers_unconfirmed') -%}{%- endif -%}
{%- set entities = headwater.identity_rules() -%}
{%- set attributes = headwater.identity_attributes(entities) -%}
{%- set crowds = headwater.identity_crowds(entities) -%}
with -- noqa: disable=LT02

{% if attributes or crowds -%}
exclusive as (

    select
        identifiers.entity,
        identifiers.record_node,
        identifiers.value_node,
        identifiers.identifier_type,
        identifiers.is_key,
        identifiers.claim,
        screened.live_record_count,
        coalesce(screened.is_disposable, false) as is_disposable,
        {{ headwater.identity_types_where(entities, 'strong', 'identifiers.') }} as is_strong

    from {{ ref('int_identity__identifiers_unpivoted') }} as identifiers

    inner join {{ ref('int_identity__values_screened') }} as screened
        on identifiers.value_node = screened.value_node
    {%- if headwater.identity_confirmations(entities) %}

    left join {{ ref('int_identity__identifiers_unconfirmed') }} as unconfirmed
        on identifiers.record_node = unconfirmed.record_node
        and identifiers.value_node = unconfirmed.value_node
    {%- endif %}

    where
        screened.dropped_reason is null
        and not identifiers.is_expired
        and {{ headwater.identity_types_where(entities, 'exclusive', 'identifiers.') }}
        {%- if headwater.identity_confirmations(entities) %}
        and unconfirmed.record_node is null
        {%- endif %}

),

-- Beside which values of another type, of which one person has few, an id stands.
beside as (

    select
        ids.entity,
        ids.record_node,
        ids.value_node,
        others.identifier_type as other_type,
        others.value_node as other_node

    from exclusive as ids

    inner join exclusive as others
        on ids.record_node = others.record_node
        and ids.identifier_type <> others.identifier_type

    where
        ids.is_strong
        and ids.live_record_count > {{ headwater.identity_most_people() }}
        and not others.is_disposable

),

many as (

    select
        value_node,
        max(case
            when 1 = 0 then 0
            {%- for crowd in crowds %}
            when
                entity = {{ headwater.string_literal(crowd.entity) }}
                and other_type = {{ headwater.string_literal(crowd.type) }}
                and other_count > {{ crowd.most }}
                then 1
            {%- endfor %}
            else 0
        end) = 1 as is_crowded

    from (
        select
            entity,
            value_node,
            other_type,
            count(distinct other_node) as other_count

        from beside

        group by entity, value_node, other_type
    ) as counted

    where other_count > {{ headwater.identity_most_people() }}

    group by value_node

),

{% if attributes -%}
own as (

    {{ headwater.records_with_attributes(attributes) | indent(4) }}

),

named as (

    select
        exclusive.record_node,
        exclusive.value_node,
        {%- for attribute in attributes %}
        own.{{ attribute.name }},
        {%- endfor %}
        row_number() over (
            partition by exclusive.value_node
            order by case when exclusive.is_key then 0 else 1 end asc, exclusive.claim desc nulls last, exclusive.record_node asc
        ) as place

    from exclusive

    inner join many on exclusive.value_node = many.value_node

    inner join own on exclusive.record_node = own.record_node

),

-- The names that stand on an id's records are held against the one whose id it is.
compared as (

    select
        named.record_node,
        named.value_node,
        {%- for attribute in attributes %}
        {{ headwater.identity_attribute_compared(attribute, attributes, 'named', 'owners') }} as {{ attribute.name }}_compared{{ "," if not loop.last }}
        {%- endfor %}

    from named

    inner join named as owners
        on named.value_node = owners.value_node
        and owners.place = 1

    where named.place > 1

),

strangers as (

    select
        record_node,
        value_node

    from compared

    where
        ({% for attribute in attributes %}{{ " or " if not loop.first }}{{ attribute.name }}_compared = -2{% endfor %})
        {%- for attribute in attributes %}
        and coalesce({{ attribute.name }}_compared, 0) <= 0
        {%- endfor %}

),

peopled as (

    select
        beside.value_node,
        beside.other_type

    from beside

    inner join strangers
        on beside.record_node = strangers.record_node
        and beside.value_node = strangers.value_node

    group by beside.value_node, beside.other_type

    having count(distinct beside.other_node) > {{ headwater.identity_most_people() }}

),

peopled_ids as (

    select value_node

    from peopled

    group by value_node

),

{% endif -%}
ids_of_many as (

    select
        many.value_node,
        {{ 'peopled_ids.value_node is not null' if attributes else 'false' }} as is_peopled

    from many
    {%- if attributes %}

    left join peopled_ids on many.value_node = peopled_ids.value_node
    {%- endif %}

    where
        many.is_crowded
        {%- if attributes %}
        or peopled_ids.value_node is not null
        {%- endif %}

)

{%- else -%}
-- Nothing is declared that tells people apart.
ids_of_many as (

    select
        value_node,
        false as is_peopled

    from {{ ref('int_identity__values_screened') }}

    where 1 = 0

)
{%- endif %}

select * from ids_of_many
