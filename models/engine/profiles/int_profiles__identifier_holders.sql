with

identifiers as (

    select
        record_node,
        identifier_type,
        identifier_value

    from {{ ref('int_identity__identifiers_unpivoted') }}

    where entity = 'person'

),

entity_records as (

    select
        record_node,
        entity_id

    from {{ ref('identity_entity_records') }}

    where entity = 'person'

),

identity_aliases as (

    select
        old_id,
        live_id

    from {{ ref('identity_aliases') }}

    where
        entity = 'person'
        and live_id is not null

),

-- Linked or not: a value that identity blocked, shed, found ambiguous or let go of still stands in the record of somebody.
held as (

    select
        identifiers.identifier_type,
        identifiers.identifier_value,
        entity_records.entity_id as profile_id

    from identifiers

    inner join entity_records on identifiers.record_node = entity_records.record_node

    union all

    select
        'profile_id' as identifier_type,
        old_id as identifier_value,
        live_id as profile_id

    from identity_aliases

),

holders as (

    select distinct
        identifier_type,
        identifier_value,
        profile_id

    from held

)

select * from holders
