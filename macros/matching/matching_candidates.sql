{#- Query: pairs of records that share a block no larger than `max_block_records`, once each. `rule_mask` is a sum of
    2 ^ rule_number over the rules that found the pair. -#}
{% macro matching_candidates(blocks) -%}
{%- set settings = headwater.matching_settings() -%}
with

blocks as (

    select
        entity,
        record_key,
        rule_number,
        block_key

    from {{ blocks }}

    where record_count between 2 and {{ settings.max_block_records }}
    {%- for rule in headwater.matching_blocking_rules() if rule[0].split(':')[1:] in [['words'], ['pairs']] %}
        and (rule_number <> {{ headwater.matching_blocking_rules().index(rule) }} or record_count <= {{ headwater.matching_most_texts() }})
    {%- endfor %}

),

-- Two texts may have several words in common: that is one rule all the same.
met as (

    select
        left_blocks.entity,
        left_blocks.record_key as left_record_key,
        right_blocks.record_key as right_record_key,
        left_blocks.rule_number

    from blocks as left_blocks

    inner join blocks as right_blocks
        on left_blocks.entity = right_blocks.entity
        and left_blocks.rule_number = right_blocks.rule_number
        and left_blocks.block_key = right_blocks.block_key
        and left_blocks.record_key < right_blocks.record_key

    group by 1, 2, 3, 4

),

paired as (

    select
        entity,
        left_record_key,
        right_record_key,
        cast(sum(power(2, rule_number)) as {{ dbt.type_bigint() }}) as rule_mask

    from met

    group by 1, 2, 3

)

select * from paired
{%- endmacro %}

{#- Query: a repeatable sample of pairs: records in the order of a hash, each paired with the next ones. -#}
{% macro matching_random_pairs(records, max_records=20000, neighbours=50) -%}
with

ordered as (

    select
        entity,
        record_key,
        row_number() over (partition by entity order by {{ headwater.md5_hex('record_key') }}, record_key) as place

    from {{ records }}

),

sampled as (

    select * from ordered where place <= {{ max_records }}

),

steps as (

    select place as step from sampled where place <= {{ neighbours }} group by 1

),

paired as (

    select
        left_records.entity,
        left_records.record_key as left_record_key,
        right_records.record_key as right_record_key,
        cast(0 as {{ dbt.type_bigint() }}) as rule_mask

    from sampled as left_records

    cross join steps

    inner join sampled as right_records
        on left_records.entity = right_records.entity
        and left_records.place + steps.step = right_records.place

)

select * from paired
{%- endmacro %}
