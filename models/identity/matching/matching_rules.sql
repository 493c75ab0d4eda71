{{ config(enabled=identity_matching_enabled()) }}
with

blocks as (

    select
        entity,
        rule_number,
        rule,
        block_key,
        record_count

    from {{ ref('matching_blocks') }}

    group by 1, 2, 3, 4, 5

),

summed as (

    select
        entity,
        rule,
        cast(sum(case when record_count > {{ matching_settings().max_block_records }} then 0 else 1 end) as {{ dbt.type_bigint() }}) as block_count,
        cast(sum(case when record_count > {{ matching_settings().max_block_records }} then 1 else 0 end) as {{ dbt.type_bigint() }}) as dropped_block_count,
        cast(sum(case when record_count > {{ matching_settings().max_block_records }} then record_count else 0 end) as {{ dbt.type_bigint() }}) as dropped_record_count,
        max(record_count) as largest_block_records

    from blocks

    group by 1, 2

)

select * from summed
