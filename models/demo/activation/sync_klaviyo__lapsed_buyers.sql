{{ headwater.activation(
    members=ref('audience_lapsed_buyers'),
    consent={'channel': 'email', 'purpose': 'marketing'},
    identifiers={'email': 'profiles.email', 'phone': 'profiles.phone'},
    fields={
        'first_name': 'profiles.first_name',
        'last_name': 'profiles.last_name',
        'city': 'profiles.city',
        'country': 'profiles.country',
        'lifetime_value_eur': 'profiles.lifetime_value_eur',
        'favourite_product_line': 'profiles.favourite_product_line',
        'last_order_at': 'profiles.last_order_at',
    },
) }}
