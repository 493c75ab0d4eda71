with

decided as (
    {{ headwater.identity_overrides(['entity', 'action', 'left_key', 'right_key', 'author', 'reason']) }}

),

kept_apart as (

    select
        entity,
        least(left_key, right_key) as left_key,
        greatest(left_key, right_key) as right_key

    from decided

    where action = 'do_not_link'

    group by 1, 2, 3

),

-- What a source merged is one, unless somebody here has decided that it is not.
merged as (

    select
        records.entity,
        'link' as action,
        records.record_key as left_key,
        records.survivor_key as right_key,
        records.source_name as author,
        'merged in its source' as reason

    from {{ ref('identity_records') }} as records

    left join kept_apart
        on records.entity = kept_apart.entity
        and least(records.record_key, records.survivor_key) = kept_apart.left_key
        and greatest(records.record_key, records.survivor_key) = kept_apart.right_key

    where
        records.survivor_key is not null
        and kept_apart.left_key is null

),

overrides as (

    select
        entity,
        action,
        left_key,
        right_key,
        author,
        reason

    from decided

    union all

    select
        entity,
        action,
        left_key,
        right_key,
        author,
        reason

    from merged

),

identity_values as (

    select
        entity,
        identifier_type,
        identifier_value

    from {{ ref('identity_values') }}

),

identity_records as (

    select
        entity,
        record_key,
        record_node

    from {{ ref('identity_records') }}

),

-- The same pair in either direction, or twice, is one decision.
ordered as (

    select
        entity,
        action,
        least(left_key, right_key) as left_key,
        greatest(left_key, right_key) as right_key,
        min(author) as author,
        min(reason) as reason

    from overrides

    where action in ('link', 'do_not_link')

    group by 1, 2, 3, 4

),

pairs as (

    select
        ordered.entity,
        ordered.action,
        ordered.left_key,
        ordered.right_key,
        left_records.record_node as left_node,
        right_records.record_node as right_node,
        ordered.author,
        ordered.reason,
        case
            when ordered.left_key = ordered.right_key then 'same_record'
            when left_records.record_node is null or right_records.record_node is null then 'unknown_record'
        end as dropped_reason

    from ordered

    left join identity_records as left_records
        on ordered.entity = left_records.entity
        and ordered.left_key = left_records.record_key

    left join identity_records as right_records
        on ordered.entity = right_records.entity
        and ordered.right_key = right_records.record_key

),

-- A value that no record carries is written wrong, or is of records that are gone.
blocked_values as (

    select
        overrides.entity,
        overrides.action,
        overrides.left_key,
        overrides.right_key,
        cast(null as {{ dbt.type_bigint() }}) as left_node,
        cast(null as {{ dbt.type_bigint() }}) as right_node,
        min(overrides.author) as author,
        min(overrides.reason) as reason,
        case when max(identity_values.identifier_value) is null then 'unknown_value' end as dropped_reason

    from overrides

    left join identity_values
        on overrides.entity = identity_values.entity
        and overrides.left_key = identity_values.identifier_type
        and overrides.right_key = identity_values.identifier_value

    where overrides.action = 'block_value'

    group by 1, 2, 3, 4

),

-- A model of a team's own may hold anything.
unknown_actions as (

    select
        entity,
        action,
        left_key,
        right_key,
        cast(null as {{ dbt.type_bigint() }}) as left_node,
        cast(null as {{ dbt.type_bigint() }}) as right_node,
        min(author) as author,
        min(reason) as reason,
        'unknown_action' as dropped_reason

    from overrides

    where coalesce(action, '') not in ('link', 'do_not_link', 'block_value')

    group by 1, 2, 3, 4

),

unioned as (

    select * from pairs

    union all

    select * from blocked_values

    union all

    select * from unknown_actions

)

select * from unioned
