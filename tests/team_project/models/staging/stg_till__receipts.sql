select
    "receiptNo" as receipt_no,
    nullif("memberNo", '') as member_no,
    {{ headwater.normalise_email('"eMail"') }} as mail,
    shelf,
    what,
    bottles,
    {{ headwater.as_euros(headwater.cast_or_null('total', dbt.type_numeric())) }} as total_eur,
    {{ headwater.cast_or_null('"boughtAt"', 'timestamp') }} as bought_at

from {{ source('winery', 'till_receipts') }}
