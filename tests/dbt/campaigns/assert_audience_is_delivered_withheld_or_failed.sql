-- Nobody is lost between the audience and the destination: of a sync that keeps a list, what its
-- last run counted is what the ledger holds, the withheld table says and the failures name. Three
-- tables, written at different moments of a run. Quarantined rows are left out (they are held, with
-- what was accepted before, and withheld at once), and so are syncs whose ledger changed since by a
-- request to be forgotten, and runs that ended before every row had an answer: the next one goes on.
with

results as (

    select
        sync_name,
        run_id,
        audience_size,
        failed_count,
        held_count

    from {{ ref('campaign_audience_results') }}

    where
        mode in ('mirror', 'replace')
        and status in ('success', 'partial')

),

withheld as (

    select
        run_id,
        sync_name,
        sum(row_count) as withheld_count,
        sum(case when reason = 'quarantined' then row_count else 0 end) as quarantined_count

    from {{ ref('stg_sync__withheld') }}

    group by run_id, sync_name

),

-- A refused change is still held as it was, a refused removal is held though no longer wanted.
failures as (

    select
        run_id,
        sync_name,
        count(distinct case when action = 'add' then sync_key end) as failed_count,
        count(distinct case when action = 'remove' then sync_key end) as failed_removal_count,
        count(distinct case when action <> 'remove' then sync_key end) as refused_count

    from {{ ref('stg_sync__failures') }}

    group by run_id, sync_name

),

forgotten as (

    select distinct sync_name

    from {{ ref('stg_sync__acknowledgements') }}

    where action = 'forget'

),

-- What somebody was sent who is erased since is in no ledger any more.
erased as (

    select distinct
        runs.run_id,
        runs.sync_name

    from {{ ref('stg_sync__runs') }} as runs

    inner join {{ ref('stg_sync__erasure_tasks') }} as tasks
        on runs.sync_name = tasks.sync_name
        and tasks.answered_at >= runs.started_at

)

select
    results.sync_name,
    results.audience_size,
    results.held_count,
    withheld.withheld_count,
    failures.failed_count,
    failures.failed_removal_count

from results

left join withheld
    on results.run_id = withheld.run_id
    and results.sync_name = withheld.sync_name

left join failures
    on results.run_id = failures.run_id
    and results.sync_name = failures.sync_name

left join forgotten on results.sync_name = forgotten.sync_name

left join erased
    on results.run_id = erased.run_id
    and results.sync_name = erased.sync_name

where
    forgotten.sync_name is null
    and erased.sync_name is null
    and coalesce(withheld.quarantined_count, 0) = 0
    and results.failed_count = coalesce(failures.refused_count, 0)
    and results.audience_size
    <> results.held_count - coalesce(failures.failed_removal_count, 0)
    + coalesce(withheld.withheld_count, 0) + coalesce(failures.failed_count, 0)
