{{ headwater.activation(
    members=ref('audience_outdoor_enthusiasts'),
    consent={'channel': 'ads', 'purpose': 'marketing'},
    identifiers={
        'email_sha256': headwater.hashed_for_meta('email', 'profiles.email'),
        'phone_sha256': headwater.hashed_for_meta('phone', 'profiles.phone'),
        'first_name_sha256': headwater.hashed_for_meta('first_name', 'profiles.first_name'),
        'last_name_sha256': headwater.hashed_for_meta('last_name', 'profiles.last_name'),
        'postal_code_sha256': headwater.hashed_for_meta('postal_code', 'profiles.postal_code'),
        'country_sha256': headwater.hashed_for_meta('country', 'profiles.country'),
    },
    fields={},
    reached_by=['email_sha256', 'phone_sha256'],
) }}
