{{ headwater.activation(
    members=ref('audience_big_spenders'),
    no_consent_because='a list for the shop itself',
    identifiers={'email': 'profiles.email'},
    fields={'given_name': 'profiles.given_name', 'spent_eur': 'profiles.spent_eur'},
) }}
