{#- Query: scored pairs of at least the review threshold, each with its `decision`:
    accepted, weak_bridge (likely, but the two neighbourhoods hardly know each other) or unsure.

    A threshold on pairs alone lets one wrong pair join two people for good. So a likely pair that is not strong by itself
    must be borne out by the records around it: they share a neighbour, and half of those of the less connected record;
    or that record has no other neighbour. Neighbours are likely pairs. -#}
{% macro matching_decided(scores) -%}
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

    left join shared
        on scores.entity = shared.entity
        and scores.left_record_key = shared.left_record_key
        and scores.right_record_key = shared.right_record_key

)

select * from decided
{%- endmacro %}
