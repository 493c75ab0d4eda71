{{ config(materialized='by_key', unique_key='account_id') }}

{{ headwater.survivorship_choices(
    'account', headwater.rows_by_key(ref('int_profiles__account_attribute_values'), 'account_id'), 'account_id'
) }}
