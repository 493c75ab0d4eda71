with

source as (

    select * from {{ source('sync', 'acknowledgements') }}

),

acknowledgements as (

    select
        sync_name,
        sync_key,
        run_id,
        cast(batch_number as {{ dbt.type_int() }}) as batch_number,
        action,
        row_hash,
        definition_hash,
        identifiers,
        remote_id,
        acknowledged_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from acknowledgements
