-- What is booked on which account of the ledger. Headwater has a model of this name too: each stays its owner's.
select
    shelf as account,
    count(*) as receipts
from {{ ref('stg_till__receipts') }}
group by shelf
