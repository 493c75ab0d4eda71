{%- set has_households = 'household' in headwater.setting('cdp_identity') -%}
{{ config(enabled=has_households) }}

with

entity_records as (

    select
        entity,
        record_key,
        entity_id,
        last_seen_at

    from {{ ref('identity_entity_records') }}

),

-- What its source merged away names nothing any more.
merged_away as (

    select distinct record_key

    from {{ ref('identity_records') }}

    where
        entity = 'person'
        and merged_key is not null

),

everybody as (

    select distinct profile_id

    from {{ ref('profile_records') }}

),

pairs as (

    select
        person.entity_id as profile_id,
        household.entity_id as household_id,
        count(*) as record_count,
        max(person.last_seen_at) as last_seen_at

    from entity_records as person

    inner join entity_records as household on person.record_key = household.record_key

    left join merged_away on person.record_key = merged_away.record_key

    where
        person.entity = 'person'
        and household.entity = 'household'
        and merged_away.record_key is null

    group by person.entity_id, household.entity_id

),

-- Who moved is of the household that most of their records name, then of the latest.
ranked as (

    select
        profile_id,
        household_id,
        row_number() over (
            partition by profile_id order by record_count desc, last_seen_at desc nulls last, household_id asc
        ) as place

    from pairs

),

chosen as (

    select
        profile_id,
        household_id

    from ranked

    where place = 1

),

sizes as (

    select
        household_id,
        count(*) as household_person_count

    from chosen

    group by household_id

)

select
    everybody.profile_id,
    chosen.household_id,
    cast(sizes.household_person_count as {{ dbt.type_int() }}) as household_person_count

from everybody

left join chosen on everybody.profile_id = chosen.profile_id

left join sizes on chosen.household_id = sizes.household_id
