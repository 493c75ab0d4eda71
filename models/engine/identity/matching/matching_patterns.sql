{{ config(enabled=headwater.identity_matching_enabled(), meta=headwater.matching_description()) }}
with

matching_comparisons as (

    select
        entity,
        rule_mask,
        pattern,
        frequency_weight,
        shared_frequency_weight

    from {{ ref('matching_comparisons') }}

),

matching_random_comparisons as (

    select
        entity,
        rule_mask,
        pattern,
        frequency_weight,
        shared_frequency_weight

    from {{ ref('matching_random_comparisons') }}

),

counted as (

    select
        entity,
        'candidates' as drawn_from,
        rule_mask,
        pattern,
        round(frequency_weight) as frequency_bits,
        round(shared_frequency_weight) as shared_frequency_bits,
        count(*) as pair_count

    from matching_comparisons

    group by 1, 2, 3, 4, 5, 6

    union all

    select
        entity,
        'random' as drawn_from,
        rule_mask,
        pattern,
        round(frequency_weight) as frequency_bits,
        round(shared_frequency_weight) as shared_frequency_bits,
        count(*) as pair_count

    from matching_random_comparisons

    group by 1, 2, 3, 4, 5, 6

    union all

    select
        entity,
        'records' as drawn_from,
        cast(0 as {{ dbt.type_bigint() }}) as rule_mask,
        '' as pattern,
        0 as frequency_bits,
        0 as shared_frequency_bits,
        count(*) as pair_count

    from {{ ref('matching_records') }}

    group by 1

)

select * from counted
