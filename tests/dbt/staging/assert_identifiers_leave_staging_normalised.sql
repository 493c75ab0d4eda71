-- Two spellings of one address or number would be two people: whatever a source's model forgets shows here.
{% set models = [
    'stg_shop__customers', 'stg_shop__orders', 'stg_app__users', 'stg_crm__contacts', 'stg_support__tickets',
    'stg_loyalty__members', 'stg_consent__consents',
] %}

with

identifiers as (

    {% for model in models %}
    select
        '{{ model }}' as model_name,
        email,
        phone
    from {{ ref(model) }}
    where email is not null or phone is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

not_normalised as (

    select *
    from identifiers
    where
        email != lower(trim(email))
        or not {{ headwater.regexp_matches_whole('email', '[^@ ]+@[^@ ]+[.][^@ .]+') }}
        or not {{ headwater.regexp_matches_whole('phone', '[+][1-9][0-9]{7,14}') }}

)

select * from not_normalised
