{#- Query: scored pairs of at least the review threshold, each with its `decision`:
    accepted, weak_bridge (likely, but the two neighbourhoods hardly know each other), two_people (likely, but those who are likely to be
    one with the two were born on different days) or unsure.

    A threshold on pairs alone lets one wrong pair join two people for good. So a likely pair that is not strong by itself
    must be borne out by the records around it: they share a neighbour, and half of those of the less connected record;
    or that record has no other neighbour. Neighbours are likely pairs. -#}
{% macro matching_decided(scores, records) -%}
{%- set settings = headwater.matching_settings() -%}
with

scores as (

    select
        entity,
        left_record_key,
        right_record_key,
        match_weight,
        match_probability,
        pattern,
        match_probability >= {{ settings.accept }} as is_likely,
        match_probability >= {{ settings.strong }} as is_strong

    from {{ scores }}

    where match_probability >= {{ settings.review }}

),

neighbours as (

    select
        entity,
        left_record_key as record_key,
        right_record_key as neighbour_key

    from scores

    where is_likely

    union all

    select
        entity,
        right_record_key as record_key,
        left_record_key as neighbour_key

    from scores

    where is_likely

),

degrees as (

    select
        entity,
        record_key,
        count(*) as neighbour_count

    from neighbours

    group by 1, 2

),

shared as (

    select
        scores.entity,
        scores.left_record_key,
        scores.right_record_key,
        count(*) as shared_count

    from scores

    inner join neighbours as left_neighbours
        on scores.entity = left_neighbours.entity
        and scores.left_record_key = left_neighbours.record_key

    inner join neighbours as right_neighbours
        on scores.entity = right_neighbours.entity
        and scores.right_record_key = right_neighbours.record_key
        and left_neighbours.neighbour_key = right_neighbours.neighbour_key

    where scores.is_likely and not scores.is_strong

    group by 1, 2, 3

),

-- A record without a birth date is father's or son's where records of both are like it.
dated as (

    select
        entity,
        record_key,
        birth_date

    from {{ records }}

    where birth_date is not null

),

undated_pairs as (

    select
        scores.entity,
        scores.left_record_key,
        scores.right_record_key

    from scores

    left join dated as left_dated
        on scores.entity = left_dated.entity
        and scores.left_record_key = left_dated.record_key

    left join dated as right_dated
        on scores.entity = right_dated.entity
        and scores.right_record_key = right_dated.record_key

    where
        scores.is_likely
        and not scores.is_strong
        and (left_dated.record_key is null or right_dated.record_key is null)

),

alike as (
    {% for side, other in [('left', 'right'), ('right', 'left')] %}
    select
        entity,
        {{ side }}_record_key as record_key,
        {{ other }}_record_key as other_key

    from scores
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

around as (
    {% for side in ['left', 'right'] %}
    select
        undated_pairs.entity,
        undated_pairs.left_record_key,
        undated_pairs.right_record_key,
        dated.birth_date

    from undated_pairs

    inner join alike
        on undated_pairs.entity = alike.entity
        and undated_pairs.{{ side }}_record_key = alike.record_key

    inner join dated
        on alike.entity = dated.entity
        and alike.other_key = dated.record_key
    {{ 'union distinct' if not loop.last }}
    {% endfor %}
),

two_people as (

    select
        left_around.entity,
        left_around.left_record_key,
        left_around.right_record_key

    from around as left_around

    inner join around as right_around
        on left_around.entity = right_around.entity
        and left_around.left_record_key = right_around.left_record_key
        and left_around.right_record_key = right_around.right_record_key
        and left_around.birth_date < right_around.birth_date

    where ({{ headwater.levenshtein('left_around.birth_date', 'right_around.birth_date') }}) > 2

    group by 1, 2, 3

),

decided as (

    select
        scores.entity,
        scores.left_record_key,
        scores.right_record_key,
        scores.match_weight,
        scores.match_probability,
        scores.pattern,
        case
            when not scores.is_likely then 'unsure'
            when scores.is_strong then 'accepted'
            when two_people.entity is not null then 'two_people'
            when left_degrees.neighbour_count = 1 or right_degrees.neighbour_count = 1 then 'accepted'
            when (shared.shared_count + 1) * 2 >= left_degrees.neighbour_count then 'accepted'
            when (shared.shared_count + 1) * 2 >= right_degrees.neighbour_count then 'accepted'
            else 'weak_bridge'
        end as decision

    from scores

    left join degrees as left_degrees
        on scores.entity = left_degrees.entity
        and scores.left_record_key = left_degrees.record_key

    left join degrees as right_degrees
        on scores.entity = right_degrees.entity
        and scores.right_record_key = right_degrees.record_key

    left join two_people
        on scores.entity = two_people.entity
        and scores.left_record_key = two_people.left_record_key
        and scores.right_record_key = two_people.right_record_key

    left join shared
        on scores.entity = shared.entity
        and scores.left_record_key = shared.left_record_key
        and scores.right_record_key = shared.right_record_key

)

select * from decided
{%- endmacro %}


{#- Query: pairs that people decided on, with `is_same`; who was told both is two. -#}
{% macro matching_told() -%}
    select
        entity,
        least(left_key, right_key) as left_record_key,
        greatest(left_key, right_key) as right_record_key,
        min(case when action = 'link' then 1 else 0 end) as is_same

    from (
        {{ headwater.identity_overrides(['entity', 'action', 'left_key', 'right_key']) | indent(8) }}
    ) as told

    where action in ('link', 'do_not_link')

    group by 1, 2, 3
{%- endmacro %}
