{#- Which records there are is known when this runs; what it may then read is told before. -#}
{%- if not execute -%}{%- do ref('int_identity__identifiers_unconfirmed') -%}{%- endif -%}
{%- set entities = headwater.identity_rules() -%}
{%- set is_confirming = headwater.identity_confirmations(entities) -%}
{%- set attributes = headwater.identity_attributes(entities) -%}
{%- set borne_out = ' and not coalesce(compared.is_borne_out, false)' if attributes else '' -%}
{%- if not execute -%}{%- do ref('int_identity__attributes_compared') -%}{%- endif -%}
with

identifiers as (

    select
        entity,
        record_node,
        value_node,
        identifier_type,
        tier,
        is_expired,
        claim,
        is_key,
        first_seen_at,
        last_seen_at

    from {{ ref('int_identity__identifiers_unpivoted') }}

),

identity_values as (

    select
        value_node,
        is_disposable,
        dropped_reason

    from {{ ref('identity_values') }}

),

decided as (

    select
        identifiers.entity,
        identifiers.record_node,
        identifiers.value_node,
        identifiers.identifier_type,
        case
            when identity_values.dropped_reason = 'ambiguous'{{ borne_out }} then 'ambiguous'
            when identity_values.dropped_reason <> 'ambiguous' then identity_values.dropped_reason
            when identifiers.is_expired{{ borne_out }} then 'expired'
            {%- if is_confirming %}
            when unconfirmed.record_node is not null then 'unconfirmed'
            {%- endif %}
            {%- if attributes %}
            when compared.is_contradicted then 'contradicted'
            {%- endif %}
        end as dropped_reason,
        identifiers.tier,
        identity_values.is_disposable,
        identifiers.claim,
        identifiers.is_key,
        identifiers.first_seen_at,
        identifiers.last_seen_at

    from identifiers

    inner join identity_values on identifiers.value_node = identity_values.value_node
    {%- if is_confirming %}

    left join {{ ref('int_identity__identifiers_unconfirmed') }} as unconfirmed
        on identifiers.record_node = unconfirmed.record_node
        and identifiers.value_node = unconfirmed.value_node
    {%- endif %}
    {%- if attributes %}

    left join {{ ref('int_identity__attributes_compared') }} as compared
        on identifiers.record_node = compared.record_node
        and identifiers.value_node = compared.value_node
    {%- endif %}

)

select * from decided
