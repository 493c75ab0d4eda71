select
    cast(customer_id as {{ dbt.type_string() }}) as customer_id,
    {{ headwater.normalise_email('email') }} as email,
    {{ headwater.normalise_name('first_name') }} as first_name,
    {{ headwater.normalise_country('country') }} as country,
    {{ headwater.cast_or_null('created_at', 'timestamp') }} as created_at,
    {{ headwater.cast_or_null('updated_at', 'timestamp') }} as updated_at

from {{ ref('example_customers') }}
