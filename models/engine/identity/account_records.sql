{{ config(materialized='view') }}

with

entity_records as (

    select
        record_key,
        source_name,
        source_record_id,
        entity_id as account_id,
        first_seen_at,
        last_seen_at

    from {{ ref('identity_entity_records') }}

    where entity = 'account'

)

select * from entity_records
