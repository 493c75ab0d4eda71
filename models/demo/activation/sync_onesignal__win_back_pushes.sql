{{ headwater.activation(
    members=headwater.journey_touchpoints('journey_win_back', ['reminder', 'last_call']),
    key=['touchpoint_id'],
    consent={'channel': 'push', 'purpose': 'marketing'},
    identifiers={'profile_id': 'members.profile_id'},
    fields={
        'template': 'members.template',
        'message': "'We kept something for you.'",
    },
) }}
