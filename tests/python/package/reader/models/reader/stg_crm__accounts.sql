select
    'A1' as account_id,
    {{ headwater.normalise_domain("'www.gasthaus.example'") }} as domain,
    'Gasthaus' as company_name,
    cast('2026-02-01 08:00:00' as {{ dbt.type_timestamp() }}) as created_at
