{{ config(enabled=headwater.identity_matching_enabled(), meta=headwater.matching_description()) }}
with

-- What people decided teaches what the weights are worth.
told as (

    {{ headwater.matching_told() | indent(4) }}

),

matching_comparisons as (

    select
        compared.entity,
        compared.rule_mask,
        compared.sources,
        compared.pattern,
        compared.frequency_weight,
        compared.shared_frequency_weight,
        compared.kin_weight,
        compared.identifying_weight,
        compared.identifying_kin_weight,
        case when told.is_same = 1 then 1 else 0 end as is_same,
        case when told.is_same = 0 then 1 else 0 end as is_different

    from {{ ref('matching_comparisons') }} as compared

    left join told
        on compared.entity = told.entity
        and compared.left_record_key = told.left_record_key
        and compared.right_record_key = told.right_record_key

),

matching_random_comparisons as (

    select
        entity,
        rule_mask,
        sources,
        pattern,
        frequency_weight,
        shared_frequency_weight,
        kin_weight,
        identifying_weight,
        identifying_kin_weight

    from {{ ref('matching_random_comparisons') }}

),

counted as (

    select
        entity,
        'candidates' as drawn_from,
        rule_mask,
        {{ headwater.matching_sources_told() }} as sources,
        pattern,
        round(frequency_weight) as frequency_bits,
        round(shared_frequency_weight) as shared_frequency_bits,
        round(kin_weight) as kin_bits,
        -- What is left without them is as round as that of a pair which has none.
        round(frequency_weight) - round(frequency_weight - identifying_weight) as identifying_bits,
        round(kin_weight) - round(kin_weight - identifying_kin_weight) as identifying_kin_bits,
        count(*) as pair_count,
        sum(is_same) as same_count,
        sum(is_different) as different_count

    from matching_comparisons

    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

    union all

    select
        entity,
        'random' as drawn_from,
        rule_mask,
        {{ headwater.matching_sources_told() }} as sources,
        pattern,
        round(frequency_weight) as frequency_bits,
        round(shared_frequency_weight) as shared_frequency_bits,
        round(kin_weight) as kin_bits,
        -- What is left without them is as round as that of a pair which has none.
        round(frequency_weight) - round(frequency_weight - identifying_weight) as identifying_bits,
        round(kin_weight) - round(kin_weight - identifying_kin_weight) as identifying_kin_bits,
        count(*) as pair_count,
        0 as same_count,
        0 as different_count

    from matching_random_comparisons

    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

    union all

    select
        entity,
        'records' as drawn_from,
        cast(0 as {{ dbt.type_bigint() }}) as rule_mask,
        '' as sources,
        '' as pattern,
        0 as frequency_bits,
        0 as shared_frequency_bits,
        0 as kin_bits,
        0 as identifying_bits,
        0 as identifying_kin_bits,
        count(*) as pair_count,
        0 as same_count,
        0 as different_count

    from {{ ref('matching_records') }}

    group by 1

)

select * from counted
