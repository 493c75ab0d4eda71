{{ config(enabled=headwater.identity_matching_enabled(), materialized='view') }}
with

random_pairs as (

    {{ headwater.matching_random_pairs(ref('matching_records')) | indent(4) }}

),

compared as (

    {{ headwater.matching_comparisons('random_pairs', ref('matching_records'), ref('matching_words')) | indent(4) }}

)

select * from compared
