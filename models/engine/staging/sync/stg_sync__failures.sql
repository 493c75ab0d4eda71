with

source as (

    select * from {{ source('sync', 'failures') }}

),

failures as (

    select
        run_id,
        sync_name,
        sync_key,
        action,
        status,
        message,
        payload_hash,
        cast(attempts as {{ dbt.type_int() }}) as attempts,
        quarantined as is_quarantined,
        failed_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from failures
