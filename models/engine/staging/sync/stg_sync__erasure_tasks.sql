with

source as (

    select * from {{ source('sync', 'erasure_tasks') }}

),

erasure_tasks as (

    select
        task_id,
        request_id,
        destination,
        account,
        object_kind,
        object_name,
        sync_name,
        status,
        detail,
        cast(attempts as {{ dbt.type_int() }}) as attempt_count,
        made_at,
        asked_at,
        answered_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from erasure_tasks
