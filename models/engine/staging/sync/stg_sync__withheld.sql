with

source as (

    select * from {{ source('sync', 'withheld') }}

),

withheld as (

    select
        run_id,
        sync_name,
        reason,
        cast(row_count as {{ dbt.type_int() }}) as row_count

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from withheld
