{#- Query: pairs with match_weight (bits of evidence, the prior included) and match_probability, by Fellegi and Sunter:
    the sum over kinds of log2(m / u), where u of an exact agreement is the frequency of the value agreed on.

    Two people of one household agree on the shared kinds as one person does. So a pair is held against both: against
    strangers all kinds count, against a household the personal ones alone, and those less that its people share now and then. -#}
{% macro matching_scores(comparisons, weights) -%}
{%- set kinds = headwater.matching_kinds() -%}
{%- set at_home = [] -%}
{%- for entity in headwater.matching_settings().entities if entity.households -%}{%- do at_home.append(headwater.string_literal(entity.name)) -%}{%- endfor -%}
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
        {% if how.get('shared', false) == 'agreement' -%}
        substr(pattern, {{ loop.index }}, 1) <> '0' as is_shared,
        {%- else -%}
        {{ how.get('shared', false) | lower }} as is_shared,
        {%- endif %}
        substr(pattern, {{ loop.index }}, 1) as level,
        {%- if how.frequency %}
        substr(pattern, {{ loop.index }}, 1) = '{{ how.levels | length }}' as has_frequency
        {%- else %}
        false as has_frequency
        {%- endif %}

    from patterns

    {{ "union all" if not loop.last }}

    {% endfor %}
),

priors as (

    select
        entity,
        max(case when kind = 'prior' then ln(m / (1 - m)) / ln(2) end) as prior_weight,
        max(case when kind = 'household'{% if at_home %} and entity in ({{ at_home | join(', ') }}){% else %} and 1 = 0{% endif %} then ln(m) / ln(2) end) as household_weight

    from {{ weights }}

    where kind in ('prior', 'household')

    group by 1

),

weighted as (

    select
        levels.entity,
        levels.pattern,
        levels.is_shared,
        case
            when weights.kind is null then 0
            when levels.has_frequency then ln(weights.m) / ln(2)
            else ln(weights.m / weights.u) / ln(2)
        end as level_weight

    from levels

    left join {{ weights }} as weights
        on levels.entity = weights.entity
        and levels.kind = weights.kind
        and levels.level = cast(weights.level as {{ dbt.type_string() }})

),

summed as (

    select
        entity,
        pattern,
        sum(case when is_shared then 0 else level_weight end) as personal_weight,
        sum(case when is_shared then level_weight else 0 end) as shared_weight

    from weighted

    group by 1, 2

),

evidence as (

    select
        comparisons.entity,
        comparisons.left_record_key,
        comparisons.right_record_key,
        comparisons.pattern,
        priors.prior_weight,
        summed.personal_weight + comparisons.frequency_weight as personal_weight,
        summed.shared_weight + comparisons.shared_frequency_weight as shared_weight,
        -- Without a row for households nobody lives with anybody.
        coalesce(priors.household_weight, -1000)
            + summed.shared_weight + comparisons.shared_frequency_weight + comparisons.kin_weight as together_weight

    from {{ comparisons }} as comparisons

    inner join priors on comparisons.entity = priors.entity

    inner join summed
        on comparisons.entity = summed.entity
        and comparisons.pattern = summed.pattern

),

scored as (

    select
        entity,
        left_record_key,
        right_record_key,
        pattern,
        -- log2(1 + 2 ^ x), which is what a household explains, without overflow.
        prior_weight + personal_weight + shared_weight
            - greatest(together_weight, 0)
            - ln(1 + power(2, -least(abs(together_weight), 60))) / ln(2) as match_weight

    from evidence

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
