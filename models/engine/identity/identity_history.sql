{{
    config(
        materialized='incremental',
        incremental_strategy=headwater.append_strategy(),
        full_refresh=false,
        on_schema_change='append_new_columns'
    )
}}

with

assignments as (

    select
        entity,
        record_node,
        entity_id,
        previous_entity_id,
        run_id,
        run_number,
        assigned_at,
        is_present,
        was_present,
        {% if is_incremental() -%}
        (run_number > (select coalesce(max(run_number), 0) from {{ this }})) as is_changed
        {%- else -%}
        true as is_changed
        {%- endif %}

    from {{ ref('identity_assignments') }}

),

known_ids as (

    {% if is_incremental() -%}
    select entity_id

    from {{ this }}

    where event in ('create', 'split')

    group by entity_id
    {%- else -%}
    select entity_id

    from assignments

    where 1 = 0
    {%- endif %}

),

identity_edges as (

    select
        record_node,
        value_node,
        identifier_type,
        tier,
        dropped_reason

    from {{ ref('identity_edges') }}

),

identity_links as (

    select
        record_node,
        value_node,
        dropped_reason

    from {{ ref('identity_links') }}

),

changed as (

    select * from assignments

    where is_changed

),

latest_run as (

    select
        max(run_number) as run_number,
        max(run_id) as run_id,
        max(assigned_at) as happened_at

    from changed

),

-- Ids that something happened to.
touched_ids as (

    select entity_id from changed

    union all

    select previous_entity_id as entity_id

    from changed

    where previous_entity_id is not null

),

touched as (

    select entity_id

    from touched_ids

    group by entity_id

),

-- Every record of those, with the id it had before this run and the one it has now.
members as (

    select
        assignments.entity,
        assignments.record_node,
        assignments.entity_id,
        case when assignments.is_changed then assignments.previous_entity_id else assignments.entity_id end as prior_id,
        assignments.is_present,
        case when assignments.is_changed then assignments.was_present else assignments.is_present end as was_present

    from assignments

    inner join touched
        on assignments.entity_id = touched.entity_id

),

-- Ids that somebody had before this run.
ids_before as (

    select prior_id as entity_id

    from members

    where was_present and prior_id is not null

    group by prior_id

),

ids_now as (

    select
        entity,
        entity_id,
        sum(case when is_present then 1 else 0 end) as record_count,
        sum(case when was_present and prior_id = entity_id then 1 else 0 end) as kept_count,
        sum(case when not is_present and was_present then 1 else 0 end) as lost_count

    from members

    group by entity, entity_id

),

moves as (

    select
        entity,
        prior_id,
        entity_id,
        count(*) as record_count,
        row_number() over (partition by prior_id order by count(*) desc, min(record_node) asc) as place_of_prior,
        row_number() over (partition by entity_id order by count(*) desc, min(record_node) asc) as place_of_new

    from members

    where prior_id <> entity_id and is_present

    group by entity, prior_id, entity_id

),

sides as (

    select
        moves.prior_id as from_id,
        moves.entity_id as to_id,
        members.record_node,
        members.prior_id,
        members.entity_id

    from moves

    inner join members on moves.entity_id = members.entity_id

    union all

    select
        moves.prior_id as from_id,
        moves.entity_id as to_id,
        members.record_node,
        members.prior_id,
        members.entity_id

    from moves

    inner join members on moves.prior_id = members.entity_id

),

-- A value on both sides of a merge joined them; a dropped one on both sides of a split no longer does.
shared_values as (

    select
        sides.from_id as prior_id,
        sides.to_id as entity_id,
        identity_edges.value_node,
        min(identity_edges.identifier_type) as identifier_type,
        min(identity_edges.tier) as tier,
        max(coalesce(identity_edges.dropped_reason, identity_links.dropped_reason)) as dropped_reason,
        max(case when sides.prior_id = sides.from_id then 1 else 0 end) as is_on_prior,
        max(case when sides.prior_id = sides.from_id then 0 else 1 end) as is_on_other,
        max(case when sides.entity_id = sides.from_id then 1 else 0 end) as stays_on_prior,
        max(case when sides.entity_id = sides.to_id then 1 else 0 end) as is_on_new

    from sides

    inner join identity_edges on sides.record_node = identity_edges.record_node

    left join identity_links
        on identity_edges.record_node = identity_links.record_node
        and identity_edges.value_node = identity_links.value_node

    group by sides.from_id, sides.to_id, identity_edges.value_node

),

merge_causes as (

    select
        prior_id,
        entity_id,
        value_node,
        identifier_type,
        cast(null as {{ dbt.type_string() }}) as dropped_reason,
        row_number() over (partition by prior_id, entity_id order by tier asc, value_node asc) as place

    from shared_values

    where
        dropped_reason is null
        and is_on_prior = 1
        and is_on_other = 1

),

split_causes as (

    select
        prior_id,
        entity_id,
        value_node,
        identifier_type,
        dropped_reason,
        row_number() over (partition by prior_id, entity_id order by tier asc, value_node asc) as place

    from shared_values

    where
        dropped_reason is not null
        and stays_on_prior = 1
        and is_on_new = 1

),

merged as (

    select
        moves.entity,
        'merge' as event,
        moves.prior_id as entity_id,
        moves.entity_id as other_id,
        moves.record_count,
        coalesce(merge_causes.identifier_type, 'manual_link_or_match') as cause_type,
        merge_causes.value_node as cause_value_node,
        'shared' as cause_reason

    from moves

    left join ids_now on moves.prior_id = ids_now.entity_id

    left join merge_causes
        on moves.prior_id = merge_causes.prior_id
        and moves.entity_id = merge_causes.entity_id
        and merge_causes.place = 1

    where
        ids_now.entity_id is null
        and moves.place_of_prior = 1

),

-- An id that is new, or comes back because its merge was undone, was split off; to one that others had, records moved.
splits as (

    select
        moves.entity,
        case when ids_before.entity_id is null and moves.place_of_new = 1 then 'split' else 'move' end as event,
        moves.entity_id,
        moves.prior_id as other_id,
        moves.record_count,
        split_causes.identifier_type as cause_type,
        split_causes.value_node as cause_value_node,
        coalesce(split_causes.dropped_reason, 'record_or_value_gone') as cause_reason

    from moves

    left join ids_now on moves.prior_id = ids_now.entity_id

    left join ids_before on moves.entity_id = ids_before.entity_id

    left join known_ids on moves.entity_id = known_ids.entity_id

    left join split_causes
        on moves.prior_id = split_causes.prior_id
        and moves.entity_id = split_causes.entity_id
        and split_causes.place = 1

    where
        (known_ids.entity_id is null and moves.place_of_new = 1)
        or (known_ids.entity_id is not null and (ids_now.entity_id is not null or moves.place_of_prior > 1))

),

others as (

    select
        ids_now.entity,
        case
            when ids_now.record_count = 0 then 'retire'
            when known_ids.entity_id is null then 'create'
            else 'restore'
        end as event,
        ids_now.entity_id,
        cast(null as {{ dbt.type_string() }}) as other_id,
        case when ids_now.record_count = 0 then ids_now.lost_count else ids_now.record_count end as record_count,
        cast(null as {{ dbt.type_string() }}) as cause_type,
        cast(null as {{ dbt.type_bigint() }}) as cause_value_node,
        case when ids_now.record_count = 0 then 'records_gone' else 'records_came' end as cause_reason

    from ids_now

    left join known_ids on ids_now.entity_id = known_ids.entity_id

    left join moves
        on ids_now.entity_id = moves.entity_id
        and moves.place_of_new = 1

    left join splits
        on ids_now.entity_id = splits.entity_id
        and splits.event = 'split'

    where
        (ids_now.record_count = 0 and ids_now.lost_count > 0)
        or (ids_now.record_count > 0 and known_ids.entity_id is null and moves.entity_id is null)
        or (ids_now.record_count > 0 and known_ids.entity_id is not null and ids_now.kept_count = 0 and splits.entity_id is null)

),

events as (

    select * from merged

    union all

    select * from splits

    union all

    select * from others

    union all

    -- One line a run, so that the next knows what is told already.
    select
        entity,
        'build' as event,
        cast(null as {{ dbt.type_string() }}) as entity_id,
        cast(null as {{ dbt.type_string() }}) as other_id,
        count(*) as record_count,
        cast(null as {{ dbt.type_string() }}) as cause_type,
        cast(null as {{ dbt.type_bigint() }}) as cause_value_node,
        'records_changed' as cause_reason

    from changed

    group by entity

),

told as (

    select
        {{ headwater.md5_hex(dbt.concat([
            "latest_run.run_id", "'|'", "events.entity", "'|'", "events.event", "'|'",
            "coalesce(events.entity_id, '')", "'|'", "coalesce(events.other_id, '')"
        ])) }} as event_id,
        events.entity,
        events.entity_id,
        events.other_id,
        events.event,
        events.cause_type,
        events.cause_reason,
        events.cause_value_node,
        events.record_count,
        latest_run.run_number,
        latest_run.run_id,
        latest_run.happened_at

    from events

    cross join latest_run

)

select * from told
