select
    'A2' as crm_account_id,
    'A1' as parent_crm_id,
    cast('2026-02-01 08:00:00' as {{ dbt.type_timestamp() }}) as created_at
