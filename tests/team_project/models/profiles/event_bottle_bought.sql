select
    receipts.receipt_no as event_id,
    records.profile_id,
    receipts.shelf as product_line,
    receipts.bottles,
    receipts.total_eur,
    receipts.bought_at as occurred_at

from {{ ref('stg_till__receipts') }} as receipts

inner join {{ ref('headwater', 'profile_records') }} as records
    on receipts.receipt_no = records.source_record_id and records.source_name = 'till'

where receipts.what = 'bought' and {{ headwater.has_happened('receipts.bought_at', ref('stg_till__receipts') ~ ' as receipts') }}
