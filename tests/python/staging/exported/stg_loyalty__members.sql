select
    "Kundennummer" as loyalty_no,
    {{ headwater.normalise_email('"E-Mail"') }} as email,
    {{ headwater.normalise_phone('"Mobil"', "'DE'") }} as phone,
    {{ headwater.normalise_name('"Vorname"') }} as first_name,
    "Straße" as street,
    {{ headwater.read('"Geburtsdatum"', 'date', format='DD.MM.YYYY') }} as birth_date,
    {{ headwater.as_euros(headwater.read('"Umsatz € 12M"', 'number', decimal_mark=',')) }} as revenue_eur,
    "Einwilligung E-Mail" as agrees,
    {{ headwater.read('"Geändert am"', 'timestamp', format='DD.MM.YYYY', time_zone='Europe/Berlin') }} as changed_at
from {{ source('loyalty', 'members') }}
