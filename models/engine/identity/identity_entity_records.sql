with

identity_assignments as (

    select
        record_node,
        entity_id

    from {{ ref('identity_assignments') }}

    where is_present

),

identity_records as (

    select
        entity,
        record_node,
        record_key,
        source_name,
        source_record_id,
        first_seen_at,
        last_seen_at

    from {{ ref('identity_records') }}

),

joined as (

    select
        identity_records.entity,
        identity_records.record_key,
        identity_records.record_node,
        identity_records.source_name,
        identity_records.source_record_id,
        identity_assignments.entity_id,
        identity_records.first_seen_at,
        identity_records.last_seen_at

    from identity_records

    inner join identity_assignments on identity_records.record_node = identity_assignments.record_node

)

select * from joined
