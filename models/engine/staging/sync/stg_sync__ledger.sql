with

source as (

    select * from {{ source('sync', 'ledger') }}

),

ledger as (

    select
        sync_name,
        sync_key,
        row_hash,
        definition_hash,
        identifiers,
        remote_id,
        run_id,
        acknowledged_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from ledger
