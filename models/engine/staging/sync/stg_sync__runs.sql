with

source as (

    select * from {{ source('sync', 'runs') }}

),

runs as (

    select
        run_id,
        sync_name,
        command,
        mode,
        status,
        message,
        cast(added as {{ dbt.type_int() }}) as added,
        cast(changed as {{ dbt.type_int() }}) as changed,
        cast(removed as {{ dbt.type_int() }}) as removed,
        cast(unchanged as {{ dbt.type_int() }}) as unchanged,
        cast(failed as {{ dbt.type_int() }}) as failed,
        cast(withheld as {{ dbt.type_int() }}) as withheld,
        started_at,
        finished_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from runs
