{{ headwater.activation(
    members=headwater.journey_touchpoints('journey_restaurants', ['to_all', 'to_one'], entity='account'),
    key=['touchpoint_id'],
    consent={'channel': 'email', 'purpose': 'marketing'},
    identifiers={'email': 'profiles.email'},
    fields={'profile_id': 'members.profile_id', 'account_id': 'members.account_id', 'template': 'members.template'},
) }}
