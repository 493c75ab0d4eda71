{#- Query: pairs with match_weight (bits of evidence, the prior included) and match_probability, by Fellegi and Sunter:
    the sum over kinds of log2(m / u), where u of an exact agreement is the frequency of the value agreed on. -#}
{% macro matching_scores(comparisons, weights) -%}
{%- set kinds = matching_kinds() -%}
with

patterns as (

    select
        entity,
        pattern

    from {{ comparisons }}

    group by 1, 2

),

levels as (

    {% for kind, how in kinds.items() -%}
    select
        entity,
        pattern,
        '{{ kind }}' as kind,
        substr(pattern, {{ loop.index }}, 1) as level,
        {{ "substr(pattern, " ~ loop.index ~ ", 1) = '" ~ (how.levels | length) ~ "'" if how.frequency else "false" }} as has_frequency

    from patterns

    {{ "union all" if not loop.last }}

    {% endfor %}
),

prior as (

    select
        entity,
        ln(cast(m as {{ dbt.type_float() }}) / (1 - cast(m as {{ dbt.type_float() }}))) / ln(2) as prior_weight

    from {{ weights }}

    where kind = 'prior'

),

weighted as (

    select
        levels.entity,
        levels.pattern,
        max(prior.prior_weight) + sum(
            case
                when weights.kind is null then 0
                when levels.has_frequency then ln(weights.m) / ln(2)
                else ln(weights.m / weights.u) / ln(2)
            end
        ) as pattern_weight

    from levels

    inner join prior on levels.entity = prior.entity

    left join {{ weights }} as weights
        on levels.entity = weights.entity
        and levels.kind = weights.kind
        and levels.level = cast(weights.level as {{ dbt.type_string() }})

    group by 1, 2

),

scored as (

    select
        comparisons.entity,
        comparisons.left_record_key,
        comparisons.right_record_key,
        comparisons.pattern,
        weighted.pattern_weight + comparisons.frequency_weight as match_weight

    from {{ comparisons }} as comparisons

    inner join weighted
        on comparisons.entity = weighted.entity
        and comparisons.pattern = weighted.pattern

),

with_probability as (

    select
        entity,
        left_record_key,
        right_record_key,
        pattern,
        match_weight,
        1 / (1 + power(2, -greatest(least(match_weight, 60), -60))) as match_probability

    from scored

)

select * from with_probability
{%- endmacro %}
