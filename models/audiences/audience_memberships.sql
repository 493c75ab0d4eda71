-- Each audience by name, and the column of its members. One that is missing here has no history: a warning says so.
{% set audiences = {
    'audience_expansion_accounts': 'account_id',
    'audience_lapsed_buyers': 'profile_id',
    'audience_newsletter_readers': 'profile_id',
    'audience_outdoor_enthusiasts': 'profile_id',
} %}
{{ headwater.audience_memberships(audiences) }}
