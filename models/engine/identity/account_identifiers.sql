{{ config(materialized='view') }}

with

entity_identifiers as (

    select
        entity_id as account_id,
        identifier_type,
        identifier_value,
        source_names,
        record_count,
        first_seen_at,
        last_seen_at

    from {{ ref('identity_entity_identifiers') }}

    where entity = 'account'

)

select * from entity_identifiers
