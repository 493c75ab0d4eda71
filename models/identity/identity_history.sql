{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='append_new_columns'
    )
}}

with

identity_assignments as (

    select
        entity,
        record_key,
        record_node,
        entity_id,
        previous_entity_id,
        run_id,
        minted_at,
        assigned_at,
        is_present,
        was_present

    from {{ ref('identity_assignments') }}

),

live_ids as (

    select
        entity,
        entity_id,
        max(case when was_present and previous_entity_id = entity_id or run_id <> {{ string_literal(invocation_id) }} then 1 else 0 end) as was_live

    from identity_assignments

    where is_present

    group by entity, entity_id

),

changed as (

    select * from identity_assignments

    where run_id = {{ string_literal(invocation_id) }}

)

select * from changed where 1 = 0
