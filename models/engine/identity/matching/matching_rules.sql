{%- set most = headwater.matching_settings().max_block_records -%}
{{ config(enabled=headwater.identity_matching_enabled()) }}
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

sized as (

    select
        entity,
        rule,
        record_count,
        case when record_count > {{ most }} then 1 else 0 end as is_dropped

    from blocks

),

summed as (

    select
        entity,
        rule,
        cast(sum(1 - is_dropped) as {{ dbt.type_bigint() }}) as block_count,
        cast(sum(is_dropped) as {{ dbt.type_bigint() }}) as dropped_block_count,
        cast(sum(is_dropped * record_count) as {{ dbt.type_bigint() }}) as dropped_record_count,
        max(record_count) as largest_block_records

    from sized

    group by 1, 2

)

select * from summed
