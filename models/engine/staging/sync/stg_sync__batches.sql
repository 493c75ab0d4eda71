with

source as (

    select * from {{ source('sync', 'batches') }}

),

batches as (

    select
        run_id,
        sync_name,
        cast(batch_number as {{ dbt.type_int() }}) as batch_number,
        action,
        cast(row_count as {{ dbt.type_int() }}) as row_count,
        cast(failed_count as {{ dbt.type_int() }}) as failed_count,
        cast(request_count as {{ dbt.type_int() }}) as request_count,
        seconds,
        finished_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from batches
