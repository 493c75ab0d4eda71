-- Everybody with an e-mail address who is a contact of a company.
{% set members %}
(
    select
        profile_id,
        min(first_seen_at) as qualified_at

    from {{ ref('account_contacts') }}

    group by profile_id
)
{% endset %}
{{ headwater.activation(
    members=members,
    identifiers={'email': 'profiles.email'},
    fields={
        'first_name': 'profiles.first_name',
        'last_name': 'profiles.last_name',
        'phone': 'profiles.phone',
        'city': 'profiles.city',
        'country': 'profiles.country',
    },
    has_holdout=false,
    no_consent_because='the CRM mirrors contacts of companies; who writes from it asks there',
) }}
