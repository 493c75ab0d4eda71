{{ config(materialized='by_key', unique_key='customer_id') }}

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
    from {{ headwater.rows_by_key(source('shop', 'customers'), 'customer_id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('customer_id') }}
    qualify
        row_number() over (
            partition by customer_id
            order by
                _loaded_at desc nulls last,
                updated_at desc nulls last,
                {{ headwater.by_each([
                    'email_address', 'phone', 'first_name', 'last_name', 'street', 'zip', 'city',
                    'country', 'birthday', 'created_at',
                ]) }}
        ) = 1

),

with_country as (

    select
        *,
        {{ headwater.normalise_country('country') }} as country_code
    from deduplicated

),

customers as (

    select
        customer_id,
        {{ headwater.normalise_email('email_address') }} as email,
        {{ headwater.normalise_phone('phone', 'country_code') }} as phone,
        {{ headwater.normalise_name('first_name') }} as first_name,
        {{ headwater.normalise_name('last_name') }} as last_name,
        {{ headwater.normalise_text('street') }} as street,
        {{ headwater.normalise_text('zip') }} as postal_code,
        {{ headwater.normalise_text('city') }} as city,
        country_code as country,
        {{ headwater.cast_or_null('birthday', 'date') }} as birth_date,
        {{ headwater.cast_or_null('created_at', dbt.type_timestamp()) }} as created_at,
        {{ headwater.cast_or_null('updated_at', dbt.type_timestamp()) }} as updated_at,
        {{ headwater.cast_or_null('_loaded_at', dbt.type_timestamp()) }} as loaded_at
    from with_country

)

select * from customers
