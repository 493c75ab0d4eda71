{{ headwater.activation(
    members=headwater.journey_touchpoints('journey_win_back', ['come_back']),
    key=['touchpoint_id'],
    consent={'channel': 'email', 'purpose': 'marketing'},
    identifiers={'email': 'profiles.email'},
    fields={
        'profile_id': 'members.profile_id',
        'template': 'members.template',
        'first_name': 'profiles.first_name',
        'favourite_product_line': 'profiles.favourite_product_line',
    },
) }}
