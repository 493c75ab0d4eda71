{{ config(materialized='by_key', unique_key='order_id') }}

with

source as (

    select
        order_no,
        customer_id,
        email,
        phone,
        shipping_country,
        state,
        currency,
        created_at,
        _loaded_at
    from {{ headwater.rows_by_key(source('shop', 'orders'), 'order_no') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('order_no') }}
    qualify
        row_number() over (
            partition by order_no
            order by
                _loaded_at desc nulls last,
                {{ headwater.by_each([
                    'customer_id', 'email', 'phone', 'shipping_country', 'state', 'currency',
                    'created_at',
                ]) }}
        ) = 1

),

with_country as (

    select
        *,
        {{ headwater.normalise_country('shipping_country') }} as country_code
    from deduplicated

),

orders as (

    select
        order_no as order_id,
        nullif(trim(customer_id), '') as customer_id,
        {{ headwater.normalise_email('email') }} as email,
        {{ headwater.normalise_phone('phone', 'country_code') }} as phone,
        case
            when lower(state) in ('new', 'paid') then 'placed'
            when lower(state) in ('shipped', 'delivered') then 'shipped'
            else lower(state)
        end as status,
        upper(trim(currency)) as currency,
        {{ headwater.cast_or_null('created_at', dbt.type_timestamp()) }} as ordered_at,
        {{ headwater.cast_or_null('_loaded_at', dbt.type_timestamp()) }} as loaded_at
    from with_country

)

select * from orders
