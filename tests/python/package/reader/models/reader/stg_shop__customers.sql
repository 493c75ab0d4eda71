select
    'C1' as customer_id,
    'ada.0@example-mail.test' as email,
    '+436601000137' as phone,
    'Ada' as first_name,
    'Lang' as last_name,
    'Hauptstr 1' as street,
    'Wien' as city,
    'DE' as country,
    cast('1980-01-01' as date) as birth_date,
    'yes' as accepts_email_marketing,
    cast('2026-01-01 08:00:00' as {{ dbt.type_timestamp() }}) as created_at,
    cast('2026-11-01 08:00:00' as {{ dbt.type_timestamp() }}) as updated_at
