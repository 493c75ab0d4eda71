{{ config(materialized='by_key', unique_key='profile_id') }}

{{ headwater.survivorship_choices(
    'person', headwater.rows_by_key(ref('int_profiles__attribute_values'), 'profile_id'), 'profile_id'
) }}
