{#- Which records there are is known when this runs; what it may then read is told before. -#}
{%- if not execute -%}{%- do ref('int_identity__identifiers_unconfirmed') -%}{%- endif -%}
{%- set entities = headwater.identity_rules() -%}
{%- set attributes = headwater.identity_attributes(entities) -%}
{%- if not execute -%}{%- do ref('int_identity__attributes_compared') -%}{%- endif -%}
{#- Even a person of many addresses has no more than this: a till's customer id has those of all who stood before it. -#}
{%- set crowds = headwater.identity_crowds(entities) -%}
with -- noqa: disable=LT02

identifiers as (

    select
        identifiers.record_node,
        identifiers.value_node,
        identifiers.entity,
        identifiers.identifier_type,
        identifiers.is_expired

    from {{ ref('int_identity__identifiers_unpivoted') }} as identifiers
    {%- if headwater.identity_confirmations(entities) %}

    left join {{ ref('int_identity__identifiers_unconfirmed') }} as unconfirmed
        on identifiers.record_node = unconfirmed.record_node
        and identifiers.value_node = unconfirmed.value_node

    where unconfirmed.record_node is null
    {%- endif %}

),

screened as (

    select
        value_node,
        entity,
        identifier_type,
        identifier_value,
        dropped_reason,
        record_count,
        live_record_count,
        is_disposable,
        first_seen_at,
        last_seen_at

    from {{ ref('int_identity__values_screened') }}

),

ids_of_many as (

    select
        value_node,
        is_peopled

    from {{ ref('int_identity__ids_of_many') }}

),

-- Only a value on more records than ids are allowed can be on too many ids.
suspects as (

    select
        value_node,
        {{ headwater.identity_types_where(entities, 'exclusive') }} as is_exclusive,
        case
            when 1 = 0 then -1
            {%- for entity in entities %}
            {%- for rule in entity.identifiers if rule.max_exclusive_ids is not none %}
            when
                entity = {{ headwater.string_literal(entity.name) }}
                and identifier_type = {{ headwater.string_literal(rule.type) }}
                and live_record_count > {{ rule.max_exclusive_ids }}
                then {{ rule.max_exclusive_ids }}
            {%- endfor %}
            {%- for rule in entity.identifiers if rule.exclusive and rule.max_exclusive_ids is none and crowds %}
            when
                entity = {{ headwater.string_literal(entity.name) }}
                and identifier_type = {{ headwater.string_literal(rule.type) }}
                and live_record_count > 10
                then 1000000000
            {%- endfor %}
            {%- endfor %}
            else -1
        end as max_exclusive_ids

    from screened

    where dropped_reason is null

),

exclusive_ids as (

    select
        identifiers.record_node,
        identifiers.identifier_type,
        identifiers.value_node

    from identifiers

    inner join screened on identifiers.value_node = screened.value_node

    left join ids_of_many on identifiers.value_node = ids_of_many.value_node

    where
        screened.dropped_reason is null
        and ids_of_many.value_node is null
        and not coalesce(screened.is_disposable, false)
        and not identifiers.is_expired
        and (
            1 = 0
            {%- for entity in entities %}
            {%- for rule in entity.identifiers if rule.exclusive %}
            or (
                identifiers.entity = {{ headwater.string_literal(entity.name) }}
                and identifiers.identifier_type = {{ headwater.string_literal(rule.type) }}
            )
            {%- endfor %}
            {%- endfor %}
        )

),

{% if attributes -%}
compared as (

    select
        record_node,
        value_node,
        people_count,
        outcome = 'agrees' as is_agreeing,
        is_contradicted

    from {{ ref('int_identity__attributes_compared') }}

),

spread as (

    select value_node

    from compared

    where people_count > {{ headwater.identity_most_people() }}

    group by value_node

),

{% endif -%}
-- Ids of one person by all that is known of them are one.
ids_by_value as (

    select
        suspects.value_node,
        suspects.max_exclusive_ids,
        exclusive_ids.identifier_type,
        exclusive_ids.value_node as id_node,
        {% if attributes -%}
        max(case when compared.is_agreeing then 1 else 0 end) as is_agreeing
        {%- else -%}
        0 as is_agreeing
        {%- endif %}

    from suspects

    inner join identifiers on suspects.value_node = identifiers.value_node

    inner join exclusive_ids on identifiers.record_node = exclusive_ids.record_node
    {%- if attributes %}

    left join compared
        on identifiers.record_node = compared.record_node
        and identifiers.value_node = compared.value_node
    {%- endif %}

    where
        suspects.max_exclusive_ids >= 0
        and not identifiers.is_expired
        {%- if attributes %}
        -- Who lets go of an address is no more evidence that it is shared; a number that others have is a household's.
        and (suspects.max_exclusive_ids = 1000000000 or not suspects.is_exclusive or not coalesce(compared.is_contradicted, false))
        {%- endif %}

    group by suspects.value_node, suspects.max_exclusive_ids, exclusive_ids.identifier_type, exclusive_ids.value_node

),

ids_by_type as (

    select
        value_node,
        max_exclusive_ids,
        identifier_type,
        count(*) - sum(is_agreeing) + max(is_agreeing) as exclusive_id_count

    from ids_by_value

    group by value_node, max_exclusive_ids, identifier_type

),

{% if crowds -%}
crowded as (

    select ids_by_type.value_node

    from ids_by_type

    inner join screened on ids_by_type.value_node = screened.value_node

    where
        ids_by_type.max_exclusive_ids = 1000000000
        and (
            {%- for crowd in crowds %}
            {{ "or " if not loop.first }}(
                screened.entity = {{ headwater.string_literal(crowd.entity) }}
                and ids_by_type.identifier_type = {{ headwater.string_literal(crowd.type) }}
                and screened.identifier_type <> ids_by_type.identifier_type
                and ids_by_type.exclusive_id_count > {{ crowd.most }}
            )
            {%- endfor %}
        )

    group by ids_by_type.value_node

),

{% endif -%}
ambiguous as (

    select
        value_node,
        max(exclusive_id_count) as exclusive_id_count

    from ids_by_type

    group by value_node, max_exclusive_ids

    having max(exclusive_id_count) > max_exclusive_ids

),

decided as (

    select
        screened.value_node,
        screened.entity,
        screened.identifier_type,
        screened.identifier_value,
        case
            when screened.dropped_reason is not null then screened.dropped_reason
            {%- if crowds %}
            when crowded.value_node is not null{{ headwater.identity_not_allowed(entities, 'screened.') }} then 'spread'
            {%- endif %}
            {%- if attributes %}
            when spread.value_node is not null{{ headwater.identity_not_allowed(entities, 'screened.') }} then 'spread'
            {%- endif %}
            when ids_of_many.is_peopled{{ headwater.identity_not_allowed(entities, 'screened.') }} then 'spread'
            when ambiguous.value_node is not null then 'ambiguous'
        end as dropped_reason,
        screened.record_count,
        screened.live_record_count,
        ambiguous.exclusive_id_count,
        coalesce(screened.is_disposable, false) as is_disposable,
        screened.first_seen_at,
        screened.last_seen_at

    from screened

    left join ambiguous on screened.value_node = ambiguous.value_node

    left join ids_of_many on screened.value_node = ids_of_many.value_node
    {%- if crowds %}

    left join crowded on screened.value_node = crowded.value_node
    {%- endif %}
    {%- if attributes %}

    left join spread on screened.value_node = spread.value_node
    {%- endif %}

)

select * from decided
