{#- A group of traits: one row per person, a column per trait; each becomes a column of profiles. As it stands, how many records the
    person has: put your rule in its place, from the event models. -#}
select
    records.profile_id,
    count(records.record_key) as $column

from {{ ref('headwater', 'profile_records') }} as records

group by records.profile_id
