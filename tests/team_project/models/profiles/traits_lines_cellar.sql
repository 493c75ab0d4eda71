select
    profile_id,
    product_line,
    count(*) as order_count,
    sum(total_eur) as revenue_eur,
    max(occurred_at) as last_order_at,
    min(occurred_at) as first_activity_at,
    max(occurred_at) as last_activity_at

from {{ ref('event_bottle_bought') }}

group by profile_id, product_line
