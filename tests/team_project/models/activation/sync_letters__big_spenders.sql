{{ headwater.activation(
    members=ref('audience_big_spenders'),
    identifiers={'email': 'profiles.email'},
    fields={'given_name': 'profiles.given_name', 'spent_eur': 'profiles.spent_eur'},
) }}
