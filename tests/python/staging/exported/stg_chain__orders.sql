select
    order_id,
    customer_no,
    coupon,
    {{ headwater.as_euros(headwater.cast_or_null('total', dbt.type_numeric())) }} as total_eur,
    {{ headwater.cast_or_null('placed_at', dbt.type_timestamp()) }} as placed_at
from {{ source('chain', 'orders') }}
