{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='old_id',
        full_refresh=false,
        on_schema_change='append_new_columns'
    )
}}

with

identity_assignments as (

    select
        entity,
        entity_id,
        previous_entity_id,
        own_id,
        run_number,
        minted_at,
        is_present,
        first_seen_at,
        record_node

    from {{ ref('identity_assignments') }}

),

ids as (

    select
        entity,
        entity_id,
        min(minted_at) as minted_at,
        max(case when is_present then 1 else 0 end) = 1 as is_live

    from identity_assignments

    group by entity, entity_id

),

known as (

    {% if is_incremental() -%}
    select
        entity,
        old_id,
        live_id,
        survivor_id,
        minted_at,
        changed_at,
        {%- if headwater.has_column(this, 'split_from_id') %}
        split_from_id,
        shared_from_at,
        shared_until_at
        {%- else %}
        cast(null as {{ dbt.type_string() }}) as split_from_id,
        changed_at as shared_from_at,
        changed_at as shared_until_at
        {%- endif %}

    from {{ this }}
    {%- else -%}
    select
        entity,
        entity_id as old_id,
        entity_id as live_id,
        entity_id as survivor_id,
        minted_at,
        minted_at as changed_at,
        entity_id as split_from_id,
        minted_at as shared_from_at,
        minted_at as shared_until_at

    from ids

    where 1 = 0
    {%- endif %}

),

-- Where the records of an id went when it was merged: the largest part first, as the id itself chose.
moves as (

    select
        previous_entity_id as from_id,
        entity_id as to_id,
        run_number,
        count(*) as record_count,
        min(first_seen_at) as first_seen_at,
        min(record_node) as first_record_node

    from identity_assignments

    where
        is_present
        and previous_entity_id <> entity_id

    group by previous_entity_id, entity_id, run_number

),

main_moves as (

    select
        from_id,
        to_id,
        row_number() over (
            partition by from_id
            order by run_number desc, record_count desc, first_seen_at asc nulls last, first_record_node asc
        ) as preference

    from moves

),

-- What an id that is new was part of until now.
births as (

    select
        to_id,
        from_id,
        row_number() over (
            partition by to_id
            order by run_number asc, record_count desc, from_id asc
        ) as preference

    from moves

),

-- Where the records are that had an id of their own before it was merged: a merge undone takes them out again.
homes as (

    select
        own_id,
        entity_id,
        row_number() over (
            partition by own_id
            order by count(*) desc, min(first_seen_at) asc nulls last, min(record_node) asc
        ) as preference

    from identity_assignments

    where
        is_present
        and own_id <> entity_id

    group by own_id, entity_id

),

every_id as (

    select
        entity,
        old_id,
        survivor_id,
        minted_at

    from known

    union all

    select
        ids.entity,
        ids.entity_id as old_id,
        ids.entity_id as survivor_id,
        ids.minted_at

    from ids

    left join known on ids.entity_id = known.old_id

    where known.old_id is null

),

-- An id that a record bears stands for itself, also again. One that no record bears any more was merged, and follows
-- its records. One whose records left their sources is retired: they still bear it.
followed as (

    select
        every_id.entity,
        every_id.old_id,
        case
            when itself.entity_id is not null then every_id.old_id
            when homes.entity_id is not null then homes.entity_id
            when own.entity_id is not null then every_id.survivor_id
            else coalesce(main_moves.to_id, every_id.survivor_id)
        end as survivor_id,
        every_id.minted_at

    from every_id

    left join ids as itself on every_id.old_id = itself.entity_id

    left join homes
        on every_id.old_id = homes.own_id
        and homes.preference = 1

    left join ids as own on every_id.survivor_id = own.entity_id

    left join main_moves
        on every_id.survivor_id = main_moves.from_id
        and main_moves.preference = 1

),

resolved as (

    select
        followed.entity,
        followed.old_id,
        case when ids.is_live then followed.survivor_id end as live_id,
        followed.survivor_id,
        followed.minted_at,
        {{ headwater.cdp_now() }} as changed_at,
        case
            when known.old_id is null then births.from_id
            when followed.survivor_id = followed.old_id and known.survivor_id <> known.old_id
                then known.survivor_id
            else known.split_from_id
        end as split_from_id,
        case
            -- All that was, since it always was part of it.
            when known.old_id is null then {{ headwater.timestamp_literal('1970-01-01 00:00:00') }}
            when
                followed.survivor_id = followed.old_id
                and known.survivor_id <> known.old_id
                and known.survivor_id <> coalesce(known.split_from_id, '')
                then known.changed_at
            else known.shared_from_at
        end as shared_from_at,
        case
            when
                known.old_id is null
                or (followed.survivor_id = followed.old_id and known.survivor_id <> known.old_id)
                then {{ headwater.cdp_now() }}
            else known.shared_until_at
        end as shared_until_at

    from followed

    left join ids on followed.survivor_id = ids.entity_id

    left join known on followed.old_id = known.old_id

    left join births
        on followed.old_id = births.to_id
        and births.preference = 1

),

changed as (

    select
        resolved.entity,
        resolved.old_id,
        resolved.live_id,
        resolved.survivor_id,
        resolved.minted_at,
        resolved.changed_at,
        resolved.split_from_id,
        case when resolved.split_from_id is not null then resolved.shared_from_at end as shared_from_at,
        case when resolved.split_from_id is not null then resolved.shared_until_at end as shared_until_at

    from resolved

    left join known on resolved.old_id = known.old_id

    where
        known.old_id is null
        or coalesce(resolved.live_id, '') <> coalesce(known.live_id, '')
        or resolved.survivor_id <> known.survivor_id

)

select * from changed
