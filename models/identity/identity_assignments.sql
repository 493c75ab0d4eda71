{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='record_node',
        full_refresh=false,
        on_schema_change='append_new_columns'
    )
}}

with

clusters as (

    select
        clusters.entity,
        clusters.record_node,
        clusters.cluster_node,
        records.record_key,
        records.first_seen_at

    from {{ ref('identity_clusters') }} as clusters

    inner join {{ ref('identity_records') }} as records on clusters.record_node = records.record_node

),

previous as (

    {% if is_incremental() -%}
    select
        entity,
        record_node,
        record_key,
        entity_id,
        minted_at,
        founded_at,
        first_seen_at,
        is_present

    from {{ this }}
    {%- else -%}
    select
        entity,
        record_node,
        record_key,
        cast(null as {{ dbt.type_string() }}) as entity_id,
        {{ headwater.cdp_now() }} as minted_at,
        first_seen_at as founded_at,
        first_seen_at,
        true as is_present

    from clusters

    where 1 = 0
    {%- endif %}

),

live_ids as (

    select entity_id

    from previous

    where is_present

    group by entity_id

),

-- A record that is gone speaks for its id only when the id has nobody else.
shares as (

    select
        clusters.cluster_node,
        previous.entity_id,
        min(previous.minted_at) as minted_at,
        min(previous.founded_at) as founded_at,
        count(*) as record_count,
        min(clusters.first_seen_at) as first_seen_at,
        min(clusters.record_node) as first_record_node

    from clusters

    inner join previous on clusters.record_node = previous.record_node

    left join live_ids on previous.entity_id = live_ids.entity_id

    where previous.is_present or live_ids.entity_id is null

    group by clusters.cluster_node, previous.entity_id

),

-- An id goes where most of its records went, then to the oldest part.
chosen as (

    select
        cluster_node,
        entity_id,
        minted_at,
        founded_at,
        row_number() over (
            partition by entity_id
            order by record_count desc, first_seen_at asc nulls last, first_record_node asc
        ) as preference

    from shares

),

-- Of the ids that chose one cluster the oldest survives.
ranked as (

    select
        cluster_node,
        entity_id,
        minted_at,
        founded_at,
        row_number() over (
            partition by cluster_node
            order by minted_at asc nulls last, founded_at asc nulls last, entity_id asc
        ) as seniority

    from chosen

    where preference = 1

),

survivors as (

    select
        cluster_node,
        entity_id,
        minted_at,
        founded_at

    from ranked

    where seniority = 1

),

-- What became of each id; the records it had lost before go with it.
fates as (

    select
        chosen.entity_id,
        survivors.entity_id as successor_id,
        survivors.minted_at,
        survivors.founded_at

    from chosen

    inner join survivors on chosen.cluster_node = survivors.cluster_node

    where chosen.preference = 1

),

founders as (

    select
        cluster_node,
        min(first_seen_at) as founded_at

    from clusters

    group by cluster_node

),

assigned as (

    select
        clusters.entity,
        clusters.record_node,
        clusters.record_key,
        coalesce(
            survivors.entity_id,
            {{ headwater.md5_hex(dbt.concat([
                headwater.string_literal(invocation_id), "'|'", "clusters.entity", "'|'",
                "cast(clusters.cluster_node as " ~ dbt.type_string() ~ ")"
            ])) }}
        ) as entity_id,
        coalesce(survivors.minted_at, {{ headwater.cdp_now() }}) as minted_at,
        case when survivors.entity_id is null then founders.founded_at else survivors.founded_at end as founded_at,
        clusters.first_seen_at

    from clusters

    left join survivors on clusters.cluster_node = survivors.cluster_node

    left join founders on clusters.cluster_node = founders.cluster_node

),

changed as (

    select
        coalesce(assigned.entity, previous.entity) as entity,
        coalesce(assigned.record_node, previous.record_node) as record_node,
        coalesce(assigned.record_key, previous.record_key) as record_key,
        coalesce(assigned.entity_id, fates.successor_id, previous.entity_id) as entity_id,
        previous.entity_id as previous_entity_id,
        {{ headwater.string_literal(invocation_id) }} as run_id,
        {% if is_incremental() -%}
        (select coalesce(max(run_number), 0) + 1 from {{ this }}) as run_number,
        {%- else -%}
        1 as run_number,
        {%- endif %}
        assigned.record_node is not null as is_present,
        coalesce(previous.is_present, false) as was_present,
        coalesce(assigned.minted_at, fates.minted_at, previous.minted_at) as minted_at,
        case
            when assigned.record_node is not null then assigned.founded_at
            when fates.entity_id is not null then fates.founded_at
            else previous.founded_at
        end as founded_at,
        coalesce(assigned.first_seen_at, previous.first_seen_at) as first_seen_at,
        {{ headwater.cdp_now() }} as assigned_at

    from assigned

    full outer join previous on assigned.record_node = previous.record_node

    left join fates on previous.entity_id = fates.entity_id

    where
        previous.record_node is null
        or (assigned.record_node is null and previous.is_present)
        or (assigned.record_node is not null and not previous.is_present)
        or coalesce(assigned.entity_id, fates.successor_id, previous.entity_id) <> previous.entity_id

)

select * from changed
