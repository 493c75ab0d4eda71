{{ headwater.activation(
    members=headwater.journey_people_between('journey_win_back', after='show_ads', before='two_weeks_of_ads'),
    consent={'channel': 'ads', 'purpose': 'marketing'},
    identifiers={
        'email_sha256': headwater.hashed_for_meta('email', 'profiles.email'),
        'phone_sha256': headwater.hashed_for_meta('phone', 'profiles.phone'),
    },
    fields={},
) }}
