select
    records.profile_id,
    receipts.shelf as product_line,
    count(*) as returned_count,
    min(receipts.bought_at) as first_activity_at,
    max(receipts.bought_at) as last_activity_at

from {{ ref('stg_till__receipts') }} as receipts

inner join {{ ref('headwater', 'profile_records') }} as records
    on receipts.receipt_no = records.source_record_id and records.source_name = 'till'

where receipts.what = 'sent back' and receipts.bought_at <= {{ headwater.cdp_now() }}

group by records.profile_id, receipts.shelf
