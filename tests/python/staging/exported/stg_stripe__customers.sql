with source as (select * from {{ source('stripe', 'customers') }}),
customers as (
    select id as stripe_id, {{ headwater.normalise_email('email') }} as email, {{ headwater.read('created', 'timestamp', format='epoch_seconds') }} as created_at,
        {{ headwater.normalise_country(headwater.json_part('address', 'country')) }} as country,
        {{ headwater.normalise_name(headwater.json_part('metadata', ['First.Name'])) }} as first_name,
        {{ headwater.json_part('subscriptions', 'data[0].status') }} as status,
        {{ headwater.read(headwater.json_part('subscriptions', 'data[0].items[0].price.unit_amount'), 'integer') }} as cents,
        deleted as is_deleted
    from source
) select * from customers
