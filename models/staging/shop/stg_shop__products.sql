with

source as (

    select
        sku,
        title,
        category,
        price_eur
    from {{ source('shop', 'products') }}

),

deduplicated as (

    select *
    from source
    where {{ has_key('sku') }}
    qualify
        row_number() over (
            partition by sku
            order by {{ by_each(['title', 'category', 'price_eur']) }}
        ) = 1

),

products as (

    select
        sku as product_id,
        {{ normalise_text('title') }} as product_name,
        lower(trim(category)) as product_line,
        {{ as_euros(cast_or_null('price_eur', dbt.type_numeric())) }} as price_eur
    from deduplicated

)

select * from products
