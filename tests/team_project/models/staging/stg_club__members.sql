select
    "Member No" as member_no,
    {{ headwater.normalise_email('"E-Mail"') }} as mail,
    {{ headwater.normalise_phone('"Mobile"', "'AT'") }} as mobile,
    {{ headwater.normalise_name('"Given Name"') }} as given_name,
    "Favourite Grape" as favourite_grape,
    {{ headwater.cast_or_null('"Member Since"', 'date') }} as "memberSince",
    {{ headwater.cast_or_null('"Changed At"', 'timestamp') }} as changed_at,
    nullif("Newsletter", '') as newsletter

from {{ source('winery', 'club_members') }}
