{%- set kinds = [
    'delivered', 'opened', 'clicked', 'bounced', 'unsubscribed', 'complained', 'converted',
] %}
with

campaign_syncs as (

    select
        sync_name,
        audience_name,
        destination,
        object_kind,
        object_name,
        mode,
        entity,
        channel

    from {{ ref('campaign_syncs') }}

),

runs as (

    select
        run_id,
        sync_name,
        status,
        added + changed + unchanged as accepted_count,
        failed,
        withheld,
        finished_at,
        row_number() over (
            partition by sync_name order by started_at desc nulls last, run_id desc
        ) as recency

    from {{ ref('stg_sync__runs') }}

    where
        command = 'push'
        and status in ('success', 'partial', 'failed', 'interrupted')

),

failures as (

    select
        run_id,
        sync_name,
        sum(case when action = 'remove' then 1 else 0 end) as failed_removal_count

    from {{ ref('stg_sync__failures') }}

    group by run_id, sync_name

),

held as (

    select
        sync_name,
        count(*) as held_count

    from {{ ref('stg_sync__ledger') }}

    group by sync_name

),

engagement as (

    select
        sync_name,
        {% for kind in kinds -%}
        count(distinct case when kind = '{{ kind }}' then profile_id end)
            as {{ kind }}_profile_count,
        {% endfor -%}
        max(occurred_at) as last_event_at

    from {{ ref('campaign_events') }}

    where sync_name is not null

    group by sync_name

),

-- Rows the destination would not remove are no part of the audience any more.
latest as (

    select
        runs.sync_name,
        runs.run_id,
        runs.status,
        runs.accepted_count,
        runs.failed - coalesce(failures.failed_removal_count, 0) as failed_count,
        runs.withheld as withheld_count,
        runs.finished_at

    from runs

    left join failures
        on runs.run_id = failures.run_id
        and runs.sync_name = failures.sync_name

    where runs.recency = 1

),

sized as (

    select
        sync_name,
        run_id,
        status,
        accepted_count,
        failed_count,
        withheld_count,
        cast(accepted_count + failed_count + withheld_count as {{ dbt.type_int() }})
            as audience_size,
        finished_at

    from latest

),

results as (

    select
        campaign_syncs.sync_name,
        campaign_syncs.audience_name,
        sized.run_id,
        campaign_syncs.destination,
        campaign_syncs.object_kind,
        campaign_syncs.object_name,
        campaign_syncs.mode,
        campaign_syncs.entity,
        campaign_syncs.channel,
        sized.status,
        sized.audience_size,
        cast(sized.accepted_count as {{ dbt.type_int() }}) as accepted_count,
        cast(sized.withheld_count as {{ dbt.type_int() }}) as withheld_count,
        cast(sized.failed_count as {{ dbt.type_int() }}) as failed_count,
        cast(coalesce(held.held_count, 0) as {{ dbt.type_int() }}) as held_count,
        {% for kind in kinds -%}
        cast(coalesce(engagement.{{ kind }}_profile_count, 0) as {{ dbt.type_int() }})
            as {{ kind }}_profile_count,
        {% endfor -%}
        {% for kind in ['opened', 'clicked', 'unsubscribed'] -%}
        {{ headwater.as_decimal(
            'coalesce(engagement.' ~ kind ~ '_profile_count, 0) * 1.0 / nullif(held.held_count, 0)', 9, 6
        ) }} as {{ kind }}_rate,
        {% endfor -%}
        sized.finished_at as pushed_at,
        engagement.last_event_at

    from campaign_syncs

    left join sized on campaign_syncs.sync_name = sized.sync_name

    left join held on campaign_syncs.sync_name = held.sync_name

    left join engagement on campaign_syncs.sync_name = engagement.sync_name

)

select * from results
