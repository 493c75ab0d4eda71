select
    'cora.2@example-mail.test' as email,
    cast('2026-10-01 08:00:00' as {{ dbt.type_timestamp() }}) as unsubscribed_at
