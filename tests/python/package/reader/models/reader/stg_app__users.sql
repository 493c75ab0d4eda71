select
    'U1' as user_id,
    'ada.0@example-mail.test' as email,
    'FR' as country,
    cast('2026-02-01 08:00:00' as {{ dbt.type_timestamp() }}) as created_at
