{#- Which records there are is known when this runs; what it may then read is told before. -#}
{%- if not execute -%}{%- do [ref('int_identity__identifiers_unconfirmed'), ref('int_identity__ids_of_many')] -%}{%- endif -%}
{%- set entities = headwater.identity_rules() -%}
{%- set attributes = headwater.identity_attributes(entities) -%}
{#- Last names and addresses are a family's: they part people and join none. -#}
{%- set own_kinds = headwater.identity_attributes(entities, is_own=true) -%}
with -- noqa: disable=LT02

{% if own_kinds -%}
every_identifier as (

    select
        identifiers.entity,
        identifiers.record_node,
        identifiers.value_node,
        identifiers.identifier_type,
        identifiers.tier,
        identifiers.claim,
        identifiers.is_expired,
        screened.record_count,
        screened.live_record_count,
        identifiers.is_key,
        {{ headwater.identity_type_place(entities, 'identifiers.') }} as type_place,
        {{ headwater.identity_types_where(entities, 'exclusive', 'identifiers.') }} as is_exclusive,
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
        {%- if headwater.identity_confirmations(entities) %}
        and unconfirmed.record_node is null
        {%- endif %}

),

identifiers as (

    select * from every_identifier

    where not is_expired

),

own as (

    {{ headwater.records_with_attributes(attributes) | indent(4) }}

),

-- Whose an id is: what the record says of which it is the key; without one, what all say who carry it and say anything.
key_ids as (

    select
        identifiers.value_node as id_node,
        min(identifiers.type_place) as id_place,
        max(case when identifiers.is_key then 1 else 0 end) = 1 as has_key{% for attribute in attributes %},
        case
            when max(case when identifiers.is_key then 1 else 0 end) = 1 then min(case when identifiers.is_key then own.{{ attribute.name }} end)
            when min(own.{{ attribute.name }}) = max(own.{{ attribute.name }}) then min(own.{{ attribute.name }})
        end as {{ attribute.name }}
        {%- endfor %}

    from identifiers

    inner join own on identifiers.record_node = own.record_node

    left join {{ ref('int_identity__ids_of_many') }} as ids_of_many
        on identifiers.value_node = ids_of_many.value_node

    where
        identifiers.is_strong
        -- What stands under a till's id is whose it says it is, not the till's.
        and ids_of_many.value_node is null

    group by identifiers.value_node

),

ids_of_records as (

    select
        identifiers.record_node,
        key_ids.id_node,
        key_ids.id_place,
        key_ids.has_key,
        row_number() over (
            partition by identifiers.record_node
            order by
                case when identifiers.is_key then 0 when key_ids.has_key then 1 else 2 end,
                identifiers.tier,
                key_ids.id_node
        ) as place{% for attribute in attributes %},
        key_ids.{{ attribute.name }}
        {%- endfor %}

    from identifiers

    inner join key_ids on identifiers.value_node = key_ids.id_node

),

-- Who carries a value: the owner of the account that the record is filed under, else whom the record itself names, else all others of its id.
shareable as (

    select
        identifiers.record_node,
        identifiers.value_node,
        identifiers.claim,
        identifiers.is_expired,
        identifiers.live_record_count,
        false as is_key,
        false as gives_way,
        1 as place{% for attribute in attributes %},
        case
            when own.record_node is null or coalesce(ids_of_records.has_key, false) then ids_of_records.{{ attribute.name }}
            else own.{{ attribute.name }}
        end as {{ attribute.name }}
        {%- endfor %}

    from every_identifier as identifiers

    left join ids_of_records
        on identifiers.record_node = ids_of_records.record_node
        and ids_of_records.place = 1

    left join own on identifiers.record_node = own.record_node

    where
        not identifiers.is_strong
        and identifiers.record_count > 1
        and (ids_of_records.record_node is not null or own.record_node is not null)

),

-- An id that is shared with nobody is seen in question only by other such ids: an agent's, in the sessions of several customers.
personal as (

    select
        identifiers.record_node,
        identifiers.value_node,
        identifiers.claim,
        false as is_expired,
        identifiers.live_record_count,
        identifiers.is_key,
        identifiers.type_place > ids_of_records.id_place as gives_way,
        row_number() over (
            partition by identifiers.record_node, identifiers.value_node
            order by ids_of_records.place asc nulls last
        ) as place{% for attribute in attributes %},
        ids_of_records.{{ attribute.name }}
        {%- endfor %}

    from identifiers

    inner join ids_of_records on identifiers.record_node = ids_of_records.record_node

    where
        identifiers.is_strong
        and identifiers.live_record_count > 1
        and ids_of_records.has_key
        and identifiers.is_key = (identifiers.value_node = ids_of_records.id_node)

),

described as (

    select * from shareable

    union all

    select * from personal

    where place = 1

),

ranked as (

    select
        record_node,
        value_node,
        is_expired,
        live_record_count,
        is_key,
        gives_way,
        {%- for attribute in attributes %}
        {{ attribute.name }},
        {%- endfor %}
        row_number() over (
            partition by value_node
            order by case when is_expired then 1 else 0 end, claim desc nulls last, record_node asc
        ) as place

    from described

),

-- All who carry a value are compared with the one whose claim to it is best.
compared as (

    select
        ranked.record_node,
        ranked.value_node,
        ranked.is_expired,
        ranked.is_key,
        ranked.gives_way,
        {%- for attribute in attributes %}
        ranked.{{ attribute.name }},
        {{ headwater.identity_attribute_compared(attribute, attributes, 'ranked', 'owners') }} as {{ attribute.name }}_compared,
        {%- endfor %}
        ranked.place = 1 as is_owner,
        -- Whoever has a value by now is not known where those who have it say nothing of themselves.
        not owners.is_expired or owners.live_record_count = 0 as is_owned

    from ranked

    inner join ranked as owners
        on ranked.value_node = owners.value_node
        and owners.place = 1

),

counted as (

    select
        record_node,
        value_node,
        {%- for attribute in own_kinds %}
        {{ attribute.name }},
        {%- endfor %}
        is_owner,
        is_owned,
        is_expired,
        is_key,
        gives_way,
        {% for attribute in own_kinds %}{{ " + " if not loop.first }}case when {{ attribute.name }}_compared <> -1 then 1 else 0 end{% endfor %} as own_count,
        {% for attribute in own_kinds %}{{ " + " if not loop.first }}case when {{ attribute.name }}_compared = -2 then 1 else 0 end{% endfor %} as own_contradict_count,
        {% for attribute in own_kinds %}{{ " + " if not loop.first }}case when {{ attribute.name }}_compared = 1 then 1 else 0 end{% endfor %} as agree_count,
        {% for attribute in attributes %}{{ " + " if not loop.first }}case when {{ attribute.name }}_compared = -2 then 1 else 0 end{% endfor %} as contradict_count,
        {% for attribute in attributes %}{{ " + " if not loop.first }}case when {{ attribute.name }}_compared < 0 then 1 else 0 end{% endfor %} as doubt_count

    from compared

),

judged as (

    select
        record_node,
        value_node,
        {%- for attribute in own_kinds %}
        {{ attribute.name }},
        {%- endfor %}
        is_owner and is_key as is_key_owner,
        gives_way and contradict_count > 0 and doubt_count > 1 as gives_way,
        -- One contradiction is enough where nothing else of the two is known, or no more than an initial.
        case
            when is_owner or agree_count > doubt_count then 'agrees'
            when agree_count = 0 and contradict_count > 0 and (doubt_count > 1 or (own_contradict_count = 1 and own_count = 1)) then 'contradicts'
            else 'unclear'
        end as outcome

    from counted

    where not is_expired

),

-- Two attributes that are a person's own, and nothing against it, bear out what by itself would be too weak: old, or on several people's records.
borne_out as (

    select
        record_node,
        value_node

    from counted

    where
        is_owned
        and not is_key
        and agree_count > 1
        and doubt_count = 0

),

-- Names with slips are no more people than there are birth dates, and the other way round.
disputed as (

    select
        value_node,
        max(case when is_key_owner then 1 else 0 end) = 1 as has_key_owner,
        count(*) < 2 * sum(case when outcome = 'agrees' then 1 else 0 end) as has_owner,
        1 + least(
            {%- for attribute in own_kinds %}
            coalesce(nullif(count(distinct case when outcome = 'contradicts' then {{ attribute.name }} end), 0), count(*)){{ "," if not loop.last }}
            {%- endfor %}
        ) as people_count

    from judged

    group by value_node

    having max(case when outcome = 'contradicts' then 1 else 0 end) = 1

),

disputed_identifiers as (

    select
        identifiers.entity,
        identifiers.record_node,
        identifiers.value_node,
        identifiers.identifier_type,
        identifiers.is_exclusive,
        identifiers.is_strong,
        identifiers.is_key,
        judged.outcome,
        coalesce(judged.gives_way, false) as gives_way,
        disputed.has_owner,
        disputed.has_key_owner,
        disputed.people_count

    from identifiers

    inner join disputed on identifiers.value_node = disputed.value_node

    left join judged
        on identifiers.record_node = judged.record_node
        and identifiers.value_node = judged.value_node

),

ids_by_type as (

    select
        disputed_identifiers.value_node,
        ids.identifier_type,
        count(distinct ids.value_node) as id_count,
        count(distinct case when disputed_identifiers.outcome = 'contradicts' then ids.value_node end) as contradicting_count

    from disputed_identifiers

    inner join identifiers as ids on disputed_identifiers.record_node = ids.record_node

    where
        ids.is_exclusive
        and ids.identifier_type <> disputed_identifiers.identifier_type

    group by disputed_identifiers.value_node, ids.identifier_type

),

ids as (

    select
        value_node,
        sum(id_count) as id_count,
        max(contradicting_count) as contradicting_count

    from ids_by_type

    group by value_node

),

contradicted as (

    select
        disputed_identifiers.record_node,
        disputed_identifiers.value_node

    from disputed_identifiers

    left join ids on disputed_identifiers.value_node = ids.value_node

    where
        (
            disputed_identifiers.outcome = 'contradicts'
            and (
                not disputed_identifiers.is_exclusive
                or (not disputed_identifiers.is_strong and ids.id_count > 1)
                or (disputed_identifiers.is_strong and ids.contradicting_count > 1)
                -- Two ids of two people on one record: it is whose id is trusted more.
                or (disputed_identifiers.is_strong and disputed_identifiers.gives_way)
            )
        )
        -- Whose a record is that names nobody cannot be told where most who carry the value are others, or a number is several people's.
        or (
            not disputed_identifiers.is_strong
            and (not disputed_identifiers.is_exclusive or ids.id_count > 1)
            and coalesce(disputed_identifiers.outcome, 'unclear') = 'unclear'
            and (
                not disputed_identifiers.has_owner
                or (disputed_identifiers.outcome is null and not disputed_identifiers.is_exclusive)
            )
        )
        -- An id of which nothing is known but that people used it who are several is nobody's of them.
        or (
            disputed_identifiers.is_strong
            and not disputed_identifiers.has_key_owner
            and not disputed_identifiers.is_key
            and (disputed_identifiers.outcome = 'contradicts' or not disputed_identifiers.has_owner)
        )

),

outcomes as (

    select
        identifiers.record_node,
        identifiers.value_node,
        identifiers.entity,
        identifiers.identifier_type,
        case when identifiers.is_expired and borne_out.record_node is not null then 'agrees' else coalesce(judged.outcome, 'unclear') end as outcome,
        case when identifiers.is_expired then 1 else coalesce(disputed.people_count, 1) end as people_count,
        contradicted.record_node is not null as is_contradicted,
        borne_out.record_node is not null as is_borne_out

    from every_identifier as identifiers

    left join borne_out
        on identifiers.record_node = borne_out.record_node
        and identifiers.value_node = borne_out.value_node

    left join judged
        on identifiers.record_node = judged.record_node
        and identifiers.value_node = judged.value_node

    left join disputed on identifiers.value_node = disputed.value_node

    left join contradicted
        on identifiers.record_node = contradicted.record_node
        and identifiers.value_node = contradicted.value_node

    where judged.record_node is not null or contradicted.record_node is not null or borne_out.record_node is not null

)

{%- else -%}
-- No attribute is declared that tells people apart.
outcomes as (

    select
        record_node,
        value_node,
        entity,
        identifier_type,
        'unclear' as outcome,
        1 as people_count,
        false as is_contradicted,
        false as is_borne_out

    from {{ ref('int_identity__identifiers_unpivoted') }}

    where 1 = 0

)
{%- endif %}

select * from outcomes
