select
    'K1' as contact_id,
    'A1' as account_id,
    'bruno.1@example-mail.test' as email,
    'Bruno' as first_name,
    'Berg' as last_name,
    'buyer' as title,
    'no' as has_opted_out_of_email,
    cast('2026-02-01 08:00:00' as {{ dbt.type_timestamp() }}) as created_at
