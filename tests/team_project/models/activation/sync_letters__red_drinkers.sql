{{ headwater.activation(
    members=ref('audience_red_drinkers'),
    consent={'channel': 'email', 'purpose': 'marketing'},
    identifiers={'email': 'profiles.email'},
    fields={'given_name': 'profiles.given_name'},
) }}
