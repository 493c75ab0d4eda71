{%- set has_households = 'household' in headwater.setting('cdp_identity') -%}
{{ config(enabled=has_households) }}

with

household_records as (

    select
        entity_id as household_id,
        count(*) as record_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from {{ ref('identity_entity_records') }}

    where entity = 'household'

    group by entity_id

),

people as (

    select
        household_id,
        count(*) as person_count

    from {{ ref('profile_households') }}

    where household_id is not null

    group by household_id

)

select
    household_records.household_id,
    cast(coalesce(people.person_count, 0) as {{ dbt.type_int() }}) as person_count,
    cast(household_records.record_count as {{ dbt.type_int() }}) as record_count,
    household_records.first_seen_at,
    household_records.last_seen_at

from household_records

left join people on household_records.household_id = people.household_id
