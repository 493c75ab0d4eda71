select
    id as buyer_id,
    vat as vat_id,
    restaurant,
    {{ headwater.normalise_email('contact') }} as mail,
    cast(seats as {{ dbt.type_int() }}) as seats,
    "function" as job,
    {{ headwater.cast_or_null('seen', 'timestamp') }} as seen_at

from {{ source('winery', 'agency_buyers') }}
