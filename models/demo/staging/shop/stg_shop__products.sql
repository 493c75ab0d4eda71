{{ config(materialized='by_key', unique_key='product_id') }}

with

source as (

    select
        sku,
        title,
        category,
        price_eur
    from {{ headwater.rows_by_key(source('shop', 'products'), 'sku') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('sku') }}
    qualify
        row_number() over (
            partition by sku
            order by {{ headwater.by_each(['title', 'category', 'price_eur']) }}
        ) = 1

),

products as (

    select
        sku as product_id,
        {{ headwater.normalise_text('title') }} as product_name,
        lower(trim(category)) as product_line,
        {{ headwater.as_euros(headwater.cast_or_null('price_eur', dbt.type_numeric())) }} as price_eur
    from deduplicated

)

select * from products
