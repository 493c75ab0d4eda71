{{ config(materialized='view', access='protected') }}

with

attribute_values as (

    select
        profile_id,
        attribute,
        value,
        source_name,
        record_key,
        source_rank,
        is_valid,
        first_seen_at,
        last_seen_at

    from {{ ref('int_profiles__attribute_values') }}

),

profile_attributes as (

    select
        profile_id,
        attribute,
        record_key

    from {{ ref('profile_attributes') }}

),

candidates as (

    select
        attribute_values.profile_id,
        attribute_values.attribute,
        attribute_values.value,
        attribute_values.source_name,
        attribute_values.record_key,
        {{ headwater.survivorship_words('person', 'attribute_values.attribute') }} as rules,
        attribute_values.source_rank,
        count(*) over (
            partition by attribute_values.profile_id, attribute_values.attribute, attribute_values.value
        ) as value_count,
        attribute_values.is_valid,
        profile_attributes.record_key is not null as is_chosen,
        attribute_values.first_seen_at,
        attribute_values.last_seen_at

    from attribute_values

    left join profile_attributes
        on attribute_values.profile_id = profile_attributes.profile_id
        and attribute_values.attribute = profile_attributes.attribute
        and attribute_values.record_key = profile_attributes.record_key

)

select * from candidates
