{%- set entities = headwater.identity_rules() -%}
{%- set everywhere = var('cdp_identity_blocked_values', {}) or {} -%}
with

identifiers as (

    select
        entity,
        record_node,
        value_node,
        identifier_type,
        identifier_value,
        is_expired,
        first_seen_at,
        last_seen_at

    from {{ ref('int_identity__identifiers_unpivoted') }}

),

blocked_values as (

    select
        entity,
        identifier_type,
        identifier_value

    from {{ ref('int_identity__values_blocked') }}

),

counted as (

    select
        value_node,
        min(entity) as entity,
        min(identifier_type) as identifier_type,
        min(identifier_value) as identifier_value,
        count(*) as record_count,
        sum(case when is_expired then 0 else 1 end) as live_record_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from identifiers

    group by value_node

),

screened as (

    select
        counted.value_node,
        counted.entity,
        counted.identifier_type,
        counted.identifier_value,
        counted.record_count,
        counted.live_record_count,
        counted.first_seen_at,
        counted.last_seen_at,
        case
            when blocked_values.identifier_value is not null then 'blocked_value'
            {%- for entity in entities %}
            {%- for rule in entity.identifiers %}
            {%- for pattern in rule.blocked_patterns + everywhere.get('patterns', []) %}
            when
                counted.entity = {{ headwater.string_literal(entity.name) }}
                and counted.identifier_type = {{ headwater.string_literal(rule.type) }}
                and {{ headwater.regexp_matches_whole('counted.identifier_value', pattern) }}
                then 'blocked_pattern'
            {%- endfor %}
            {%- endfor %}
            {%- endfor %}
            {%- for entity in entities %}
            {%- for rule in entity.identifiers if rule.max_records %}
            when
                counted.entity = {{ headwater.string_literal(entity.name) }}
                and counted.identifier_type = {{ headwater.string_literal(rule.type) }}
                and counted.live_record_count > {{ rule.max_records }}
                then 'too_many_records'
            {%- endfor %}
            {%- endfor %}
        end as dropped_reason

    from counted

    left join blocked_values
        on counted.entity = blocked_values.entity
        and counted.identifier_type = blocked_values.identifier_type
        and counted.identifier_value = blocked_values.identifier_value

),

-- Only a value on more records than ids are allowed can be on too many ids.
suspects as (

    select
        value_node,
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

    where
        screened.dropped_reason is null
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

ids_by_type as (

    select
        suspects.value_node,
        suspects.max_exclusive_ids,
        exclusive_ids.identifier_type,
        count(distinct exclusive_ids.value_node) as exclusive_id_count

    from suspects

    inner join identifiers on suspects.value_node = identifiers.value_node

    inner join exclusive_ids on identifiers.record_node = exclusive_ids.record_node

    where
        suspects.max_exclusive_ids >= 0
        and not identifiers.is_expired

    group by suspects.value_node, suspects.max_exclusive_ids, exclusive_ids.identifier_type

),

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
            when ambiguous.value_node is not null then 'ambiguous'
        end as dropped_reason,
        screened.record_count,
        screened.live_record_count,
        ambiguous.exclusive_id_count,
        screened.first_seen_at,
        screened.last_seen_at

    from screened

    left join ambiguous on screened.value_node = ambiguous.value_node

)

select * from decided
