{{ headwater.event_traits(ref('event_bottle_bought'), {
    'purchase_count': 'count',
    'spent_eur': {'sum': 'total_eur'},
    'last_bought_at': 'last',
}) }}
