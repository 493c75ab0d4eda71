-- OneSignal knows people by our profile_id, once they have the app.
{% set members %}
(
    select
        readers.profile_id,
        readers.is_holdout,
        readers.qualified_at

    from {{ ref('audience_newsletter_readers') }} as readers

    inner join {{ ref('profiles') }} as app_users
        on readers.profile_id = app_users.profile_id

    where app_users.subscription_status is not null
)
{% endset %}
{{ headwater.activation(
    members=members,
    consent={'channel': 'push', 'purpose': 'marketing'},
    identifiers={'profile_id': 'members.profile_id'},
    fields={
        'language': 'profiles.language',
        'subscription_plan': 'profiles.subscription_plan',
    },
) }}
