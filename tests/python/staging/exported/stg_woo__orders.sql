with source as (select * from {{ source('woo', 'orders') }}),
orders as (
    select order_number as order_no, {{ headwater.read('order_date', 'timestamp', format=['DD.MM.YYYY', 'YYYY-MM-DD'], time_zone='Europe/Berlin') }} as ordered_at,
        {{ headwater.normalise_email(headwater.part_of('billing_email', 1, separator=',')) }} as email,
        {{ headwater.normalise_email(headwater.part_of('billing_email', 2, separator=',')) }} as email_2,
        {{ headwater.normalise_phone('billing_phone', 'billing_country') }} as phone,
        {{ headwater.read('order_total', 'number', decimal_mark=',') }} as total, note
    from source
) select * from orders
