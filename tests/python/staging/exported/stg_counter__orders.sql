with

source as (

    select
        "Name" as order_no,
        "Email" as mail,
        "Total" as total
    from {{ source('counter', 'orders') }}

    where "Name" like '#%'

),

orders as (

    select
        order_no,
        {{ headwater.normalise_email('mail') }} as email,
        {{ headwater.read('total', 'number') }} as total
    from source

)

select * from orders
