-- Customers' golden records for a system of ours.
{% set members %}
(
    select
        profile_id,
        last_seen_at as qualified_at

    from {{ ref('profiles') }}

    where order_count > 0
)
{% endset %}
{{ headwater.activation(
    members=members,
    identifiers={},
    fields={
        'country': 'profiles.country',
        'order_count': 'profiles.order_count',
        'lifetime_value_eur': 'profiles.lifetime_value_eur',
        'favourite_product_line': 'profiles.favourite_product_line',
    },
    has_holdout=false,
    no_consent_because='a system of ours, no marketing',
) }}
