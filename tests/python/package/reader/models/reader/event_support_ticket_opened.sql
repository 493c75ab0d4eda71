select
    'T1' as event_id,
    profile_id,
    'low' as severity,
    occurred_at
from {{ ref('event_order_placed') }}
