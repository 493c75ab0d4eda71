select
    'O1' as event_id,
    profile_id,
    'O1' as order_id,
    'paid' as status,
    1 as line_count,
    2 as quantity,
    {{ headwater.as_euros('600') }} as revenue_eur,
    cast('2026-08-01 10:00:00' as {{ dbt.type_timestamp() }}) as occurred_at
from {{ ref('profile_records') }}
where source_name = 'shop_customers'
