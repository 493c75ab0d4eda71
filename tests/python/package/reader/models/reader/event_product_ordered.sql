select
    'O1-1' as event_id,
    profile_id,
    order_id,
    'outdoor' as product_line,
    revenue_eur,
    occurred_at
from {{ ref('event_order_placed') }}
