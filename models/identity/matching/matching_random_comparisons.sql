{{ config(enabled=identity_matching_enabled(), materialized='view') }}
with

random_pairs as (

    {{ matching_random_pairs(ref('matching_records')) | indent(4) }}

),

compared as (

    {{ matching_comparisons('random_pairs', ref('matching_records')) | indent(4) }}

)

select * from compared
