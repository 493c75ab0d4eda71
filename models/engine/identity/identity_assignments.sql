{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='record_node',
        full_refresh=false,
        on_schema_change='append_new_columns'
    )
}}

{%- set remembers = not is_incremental() or headwater.has_column(this, 'own_id') %}
{%- set knows_values = not is_incremental() or headwater.has_column(this, 'value_1_node') %}
{#- By name: the two engines of dbt read settings in different orders. #}
{%- set own_attributes = (headwater.identity_attributes(headwater.identity_rules(), is_own=true) | sort(attribute='name'))[:2] %}
{%- set remembered = ['value_1_node', 'value_2_node', 'value_3_node', 'attribute_1_node', 'attribute_2_node'] %}

with -- noqa: disable=LT02

-- A source that gives a key twice gives one record: its own test says so, and what is remembered here outlives the mistake.
clusters as (

    select
        clusters.record_node,
        min(clusters.entity) as entity,
        min(clusters.cluster_node) as cluster_node,
        min(records.record_key) as record_key,
        min(records.source_name) as source_name,
        {%- for place in range(2) %}
        {%- if place < own_attributes | length %}
        min({{ headwater.node_key(dbt.concat([
            headwater.string_literal(own_attributes[place].name ~ '|'), 'records.' ~ own_attributes[place].name ~ '_attribute'
        ])) }}) as attribute_{{ place + 1 }}_node,
        {%- else %}
        cast(null as {{ dbt.type_bigint() }}) as attribute_{{ place + 1 }}_node,
        {%- endif %}
        {%- endfor %}
        min(records.first_seen_at) as first_seen_at

    from {{ ref('identity_clusters') }} as clusters

    inner join {{ ref('identity_records') }} as records on clusters.record_node = records.record_node

    group by clusters.record_node

),

-- What a record could be known by, were its key another one.
values_ranked as (

    select
        record_node,
        value_node,
        row_number() over (partition by record_node order by tier asc, value_node asc) as place

    from {{ ref('identity_edges') }}

    where
        dropped_reason is null
        and not is_key

),

known_values as (

    select
        record_node,
        max(case when place = 1 then value_node end) as value_1_node,
        max(case when place = 2 then value_node end) as value_2_node,
        max(case when place = 3 then value_node end) as value_3_node

    from values_ranked

    where place <= 3

    group by record_node

),

known as (

    {% if is_incremental() -%}
    select
        known.entity,
        known.record_node,
        known.record_key,
        known.entity_id,
        known.previous_entity_id,
        known.run_id,
        known.run_number,
        known.minted_at,
        known.founded_at,
        known.first_seen_at,
        known.is_present,
        known.assigned_at,
        {%- for column in remembered %}
        {{ 'known.' ~ column if knows_values else 'cast(null as ' ~ dbt.type_bigint() ~ ') as ' ~ column }},
        {%- endfor %}
        row_number() over (
            partition by known.record_node order by known.assigned_at desc nulls last, known.entity_id asc
        ) as place,
        {%- if remembers %}
        known.own_id,
        known.own_minted_at,
        known.own_founded_at
        {%- else %}
        -- A table older than these columns remembers the last merge only.
        case
            when borne.entity_id is null then coalesce(known.previous_entity_id, known.entity_id)
            else known.entity_id
        end as own_id,
        known.minted_at as own_minted_at,
        known.founded_at as own_founded_at
        {%- endif %}

    from {{ this }} as known
    {%- if not remembers %}

    left join (select entity_id from {{ this }} group by entity_id) as borne
        on known.previous_entity_id = borne.entity_id
    {%- endif %}
    {%- else -%}
    select
        entity,
        record_node,
        record_key,
        cast(null as {{ dbt.type_string() }}) as entity_id,
        cast(null as {{ dbt.type_string() }}) as previous_entity_id,
        cast(null as {{ dbt.type_string() }}) as run_id,
        cast(null as {{ dbt.type_int() }}) as run_number,
        {{ headwater.cdp_now() }} as minted_at,
        first_seen_at as founded_at,
        first_seen_at,
        true as is_present,
        {{ headwater.cdp_now() }} as assigned_at,
        {%- for column in remembered %}
        cast(null as {{ dbt.type_bigint() }}) as {{ column }},
        {%- endfor %}
        1 as place,
        cast(null as {{ dbt.type_string() }}) as own_id,
        {{ headwater.cdp_now() }} as own_minted_at,
        first_seen_at as own_founded_at

    from clusters

    where 1 = 0
    {%- endif %}

),

previous as (

    select *

    from known

    where place = 1

),

live_ids as (

    select entity_id

    from previous

    where is_present

    group by entity_id

),

gone as (

    select
        previous.entity,
        previous.record_node,
        {{ dbt.split_part('previous.record_key', "':'", 1) }} as source_name,
        {%- for column in remembered %}
        previous.{{ column }},
        {%- endfor %}
        previous.first_seen_at

    from previous

    left join clusters on previous.record_node = clusters.record_node

    where
        previous.is_present
        and clusters.record_node is null

),

gone_values as (
    {% for place in [1, 2, 3] %}
    select
        record_node,
        {{ place }} as place,
        value_{{ place }}_node as value_node

    from gone

    where value_{{ place }}_node is not null
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

-- A record that comes in the build in which one of its source goes, and carries its values, is that record under another key; unless
-- what both say of themselves differs.
rekeyed_candidates as (

    select
        gone.record_node as former_node,
        clusters.record_node,
        min(gone_values.place) as place,
        count(*) as value_count,
        min(gone.first_seen_at) as former_seen_at,
        min(clusters.first_seen_at) as first_seen_at

    from gone

    inner join gone_values on gone.record_node = gone_values.record_node

    inner join values_ranked on gone_values.value_node = values_ranked.value_node

    inner join clusters
        on values_ranked.record_node = clusters.record_node
        and gone.entity = clusters.entity
        and gone.source_name = clusters.source_name

    left join previous on clusters.record_node = previous.record_node

    where
        not coalesce(previous.is_present, false)
        and (
            coalesce(gone.attribute_1_node = clusters.attribute_1_node, false)
            or coalesce(gone.attribute_2_node = clusters.attribute_2_node, false)
            or (
                (gone.attribute_1_node is null or clusters.attribute_1_node is null)
                and (gone.attribute_2_node is null or clusters.attribute_2_node is null)
            )
        )

    group by gone.record_node, clusters.record_node

),

rekeyed_ranked as (

    select
        former_node,
        record_node,
        row_number() over (
            partition by former_node
            order by place asc nulls last, value_count desc nulls last, first_seen_at asc nulls last, record_node asc
        ) as heir_place,
        row_number() over (
            partition by record_node
            order by place asc nulls last, value_count desc nulls last, former_seen_at asc nulls last, former_node asc
        ) as former_place

    from rekeyed_candidates

),

bearers as (

    select
        record_node,
        entity_id,
        minted_at,
        founded_at,
        own_id,
        own_minted_at,
        own_founded_at,
        is_present

    from previous

    union all

    select
        rekeyed_ranked.record_node,
        previous.entity_id,
        previous.minted_at,
        previous.founded_at,
        previous.own_id,
        previous.own_minted_at,
        previous.own_founded_at,
        previous.is_present

    from rekeyed_ranked

    inner join previous on rekeyed_ranked.former_node = previous.record_node

    where
        rekeyed_ranked.heir_place = 1
        and rekeyed_ranked.former_place = 1

),

-- Each record speaks for the id it bears, and for its own: the one it had before that was merged into another.
claims as (

    select
        record_node,
        entity_id,
        minted_at,
        founded_at,
        1 as bears,
        case when own_id = entity_id then 1 else 0 end as owns,
        is_present

    from bearers

    union all

    select
        record_node,
        own_id as entity_id,
        own_minted_at as minted_at,
        own_founded_at as founded_at,
        0 as bears,
        1 as owns,
        is_present

    from bearers

    where own_id <> entity_id

),

-- A record that is gone speaks for its id only when the id has nobody else.
shares as (

    select
        clusters.cluster_node,
        claims.entity_id,
        min(claims.minted_at) as minted_at,
        min(claims.founded_at) as founded_at,
        sum(claims.bears) as record_count,
        sum(claims.owns) as own_count,
        min(clusters.first_seen_at) as first_seen_at,
        min(clusters.record_node) as first_record_node

    from clusters

    inner join claims on clusters.record_node = claims.record_node

    left join live_ids on claims.entity_id = live_ids.entity_id

    where claims.is_present or live_ids.entity_id is null

    group by clusters.cluster_node, claims.entity_id

),

counted as (

    select
        cluster_node,
        entity_id,
        minted_at,
        founded_at,
        record_count,
        own_count,
        first_seen_at,
        first_record_node,
        case
            when own_count > 0
                then sum(case when own_count > 0 then 1 else 0 end) over (partition by cluster_node)
            else 0
        end as own_id_count

    from shares

),

-- An id goes where most of the records went that are its own; of as many, to the part that has no other id of its own; then where most
-- went that bear it, then to the oldest part.
chosen as (

    select
        cluster_node,
        entity_id,
        minted_at,
        founded_at,
        record_count,
        row_number() over (
            partition by entity_id
            order by
                own_count desc, own_id_count asc, record_count desc, first_seen_at asc nulls last,
                first_record_node asc
        ) as preference

    from counted

),

-- Of the ids that chose one cluster the oldest survives; one that was merged away comes back only where no other is.
ranked as (

    select
        cluster_node,
        entity_id,
        minted_at,
        founded_at,
        row_number() over (
            partition by cluster_node
            order by
                case when record_count > 0 then 0 else 1 end asc,
                minted_at asc nulls last,
                founded_at asc nulls last,
                entity_id asc
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

    where
        chosen.preference = 1
        and chosen.record_count > 0

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
        clusters.cluster_node,
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

-- An id that lives elsewhere is a record's own no more.
ids_after as (

    select entity_id

    from assigned

    group by entity_id

),

-- Clusters of records that had ids of their own: whose a record is that came later, they cannot say.
merged_clusters as (

    select assigned.cluster_node

    from assigned

    inner join previous on assigned.record_node = previous.record_node

    left join ids_after on previous.own_id = ids_after.entity_id

    where
        previous.own_id <> assigned.entity_id
        and ids_after.entity_id is null

    group by assigned.cluster_node

),

resolved as (

    select
        coalesce(assigned.entity, previous.entity) as entity,
        coalesce(assigned.record_node, previous.record_node) as record_node,
        coalesce(assigned.record_key, previous.record_key) as record_key,
        coalesce(assigned.entity_id, fates.successor_id, previous.entity_id) as entity_id,
        previous.entity_id as former_id,
        previous.own_id as former_own_id,
        previous.previous_entity_id,
        previous.run_id,
        previous.run_number,
        previous.assigned_at,
        assigned.record_node is not null as is_present,
        coalesce(previous.is_present, false) as was_present,
        coalesce(assigned.minted_at, fates.minted_at, previous.minted_at) as minted_at,
        case
            when assigned.record_node is not null then assigned.founded_at
            when fates.entity_id is not null then fates.founded_at
            else previous.founded_at
        end as founded_at,
        previous.own_minted_at,
        previous.own_founded_at,
        coalesce(assigned.first_seen_at, previous.first_seen_at) as first_seen_at,
        {%- for column in remembered %}
        {{ 'clusters' if 'attribute' in column else 'known_values' }}.{{ column }},
        previous.{{ column }} as former_{{ column }},
        {%- endfor %}
        case
            when previous.own_id is not null and ids_after.entity_id is null then 'kept'
            when assigned.record_node is null and previous.own_id is null then 'none'
            when merged_clusters.cluster_node is null or previous.own_id is not null then 'new'
            else 'none'
        end as own_state,
        previous.record_node is null
        or (assigned.record_node is null and previous.is_present)
        or (assigned.record_node is not null and not previous.is_present)
        or coalesce(assigned.entity_id, fates.successor_id, previous.entity_id) <> previous.entity_id
            as is_moved

    from assigned

    full outer join previous on assigned.record_node = previous.record_node

    left join clusters on assigned.record_node = clusters.record_node

    left join known_values on assigned.record_node = known_values.record_node

    left join fates on previous.entity_id = fates.entity_id

    left join ids_after on previous.own_id = ids_after.entity_id

    left join merged_clusters on assigned.cluster_node = merged_clusters.cluster_node

),

changed as (

    select
        entity,
        record_node,
        record_key,
        entity_id,
        case when is_moved then former_id else previous_entity_id end as previous_entity_id,
        case when is_moved then {{ headwater.string_literal(invocation_id) }} else run_id end as run_id,
        {% if is_incremental() -%}
        case
            when is_moved then (select coalesce(max(run_number), 0) + 1 from {{ this }})
            else run_number
        end as run_number,
        {%- else -%}
        1 as run_number,
        {%- endif %}
        is_present,
        was_present,
        minted_at,
        founded_at,
        case own_state when 'kept' then former_own_id when 'new' then entity_id end as own_id,
        case own_state when 'kept' then own_minted_at when 'new' then minted_at end as own_minted_at,
        case own_state when 'kept' then own_founded_at when 'new' then founded_at end as own_founded_at,
        first_seen_at,
        -- Of who is gone nothing is kept but the id.
        {%- for column in remembered %}
        {{ column }},
        {%- endfor %}
        case when is_moved then {{ headwater.cdp_now() }} else assigned_at end as assigned_at

    from resolved

    where
        is_moved
        or (own_state = 'new' and coalesce(former_own_id, '') <> entity_id)
        {%- for column in remembered %}
        or coalesce({{ column }}, 0) <> coalesce(former_{{ column }}, 0)
        {%- endfor %}
        {%- if not remembers %}
        or true
        {%- endif %}

)

select * from changed
