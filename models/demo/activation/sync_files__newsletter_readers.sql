{{ headwater.activation(
    members=ref('audience_newsletter_readers'),
    consent={'channel': 'email', 'purpose': 'marketing'},
    identifiers={'email': 'profiles.email'},
    fields={
        'first_name': 'profiles.first_name',
        'last_name': 'profiles.last_name',
        'country': 'profiles.country',
    },
) }}
