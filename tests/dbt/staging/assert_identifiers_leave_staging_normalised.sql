-- Two spellings of one address or number would be two people: whatever a source's model forgets shows here.
{%- set patterns = {'email': '[^@ ]+@[^@ ]+[.][^@ .]+', 'phone': '[+][1-9][0-9]{6,14}'} -%}
{%- set checks = [] -%}
{%- for type in headwater.identity_types(headwater.identity_rules()) if type in patterns -%}
    {%- do checks.append(type) -%}
{%- endfor %}
with

not_normalised as (

    {% for type in checks -%}
    select
        source_name,
        {{ headwater.string_literal(type) }} as identifier_type,
        record_key

    from {{ ref('identity_records') }}

    where
        not {{ headwater.regexp_matches_whole(type ~ '_value', patterns[type]) }}
        {%- if type == 'email' %}
        or email_value <> lower(trim(email_value))
        {%- endif %}

    union all

    {% endfor -%}
    select
        source_name,
        source_name as identifier_type,
        record_key

    from {{ ref('identity_records') }}

    where 1 = 0

)

select * from not_normalised
