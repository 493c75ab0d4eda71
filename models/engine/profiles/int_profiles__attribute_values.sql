with

profile_records as (

    select
        record_key,
        profile_id,
        first_seen_at,
        last_seen_at

    from {{ ref('profile_records') }}

),

profile_identifiers as (

    select
        profile_id,
        identifier_type,
        identifier_value

    from {{ ref('profile_identifiers') }}

),

attribute_values as (

    {{ headwater.survivorship_values('person') | indent(4) }}

),

values_that_bounced as (

    select
        identifier_type,
        identifier_value

    from {{ ref('int_profiles__values_that_bounced') }}

),

-- A value that identity gave to nobody (junk, shared, shed) is nobody's e-mail address either.
owned as (

    select
        attribute_values.record_key,
        profile_records.profile_id,
        attribute_values.source_name,
        attribute_values.attribute,
        attribute_values.value,
        attribute_values.source_rank,
        values_that_bounced.identifier_value is null as is_valid,
        profile_records.first_seen_at,
        profile_records.last_seen_at

    from attribute_values

    inner join profile_records on attribute_values.record_key = profile_records.record_key

    left join profile_identifiers
        on profile_records.profile_id = profile_identifiers.profile_id
        and attribute_values.identifier_type = profile_identifiers.identifier_type
        and attribute_values.identifier_value = profile_identifiers.identifier_value

    left join values_that_bounced
        on attribute_values.identifier_type = values_that_bounced.identifier_type
        and attribute_values.identifier_value = values_that_bounced.identifier_value

    where
        attribute_values.identifier_type is null
        or profile_identifiers.profile_id is not null

)

select * from owned
