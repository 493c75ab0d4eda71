with source as (
    select distinct messageId as message_id, properties from {{ source('stream', 'events') }}
),
order_lines as (
    select message_id, item_number, {{ headwater.json_part('item', 'sku') }} as sku, {{ headwater.read(headwater.json_part('item', 'price'), 'number') }} as price
    from {{ headwater.json_items('source', 'properties', ['message_id'], path='products') }} as items
)
select * from order_lines
