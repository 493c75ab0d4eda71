with

source as (

    select
        customer_id,
        email_address,
        phone,
        first_name,
        last_name,
        street,
        zip,
        city,
        country,
        birthday,
        created_at,
        updated_at,
        _loaded_at
    from {{ source('shop', 'customers') }}

),

deduplicated as (

    select *
    from source
    where {{ has_key('customer_id') }}
    qualify
        row_number() over (
            partition by customer_id
            order by
                _loaded_at desc nulls last,
                updated_at desc nulls last,
                {{ by_each([
                    'email_address', 'phone', 'first_name', 'last_name', 'street', 'zip', 'city',
                    'country', 'birthday', 'created_at',
                ]) }}
        ) = 1

),

with_country as (

    select
        *,
        {{ normalise_country('country') }} as country_code
    from deduplicated

),

customers as (

    select
        customer_id,
        {{ normalise_email('email_address') }} as email,
        {{ normalise_phone('phone', 'country_code') }} as phone,
        {{ normalise_name('first_name') }} as first_name,
        {{ normalise_name('last_name') }} as last_name,
        {{ normalise_text('street') }} as street,
        {{ normalise_text('zip') }} as postal_code,
        {{ normalise_text('city') }} as city,
        country_code as country,
        {{ cast_or_null('birthday', 'date') }} as birth_date,
        {{ cast_or_null('created_at', dbt.type_timestamp()) }} as created_at,
        {{ cast_or_null('updated_at', dbt.type_timestamp()) }} as updated_at,
        {{ cast_or_null('_loaded_at', dbt.type_timestamp()) }} as loaded_at
    from with_country

)

select * from customers
