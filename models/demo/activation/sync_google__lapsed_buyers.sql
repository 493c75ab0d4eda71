{{ headwater.activation(
    members=ref('audience_lapsed_buyers'),
    consent={'channel': 'ads', 'purpose': 'marketing'},
    identifiers={
        'email_sha256': headwater.hashed_for_google('email', 'profiles.email'),
        'phone_sha256': headwater.hashed_for_google('phone', 'profiles.phone'),
        'first_name_sha256': headwater.hashed_for_google('first_name', 'profiles.first_name'),
        'last_name_sha256': headwater.hashed_for_google('last_name', 'profiles.last_name'),
        'country': 'profiles.country',
        'postal_code': 'profiles.postal_code',
    },
    fields={},
    reached_by=['email_sha256', 'phone_sha256'],
) }}
