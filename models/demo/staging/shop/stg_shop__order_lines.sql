{{ config(materialized='by_key', unique_key='order_line_id') }}

with

source as (

    select
        line_id,
        order_no,
        sku,
        qty,
        line_total_eur
    from {{ headwater.rows_by_key(source('shop', 'order_lines'), 'line_id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('line_id') }}
    qualify
        row_number() over (
            partition by line_id
            order by {{ headwater.by_each(['order_no', 'sku', 'qty', 'line_total_eur']) }}
        ) = 1

),

order_lines as (

    select
        cast(line_id as {{ dbt.type_string() }}) as order_line_id,
        order_no as order_id,
        sku as product_id,
        {{ headwater.cast_or_null('qty', dbt.type_int()) }} as quantity,
        {{ headwater.as_euros(headwater.cast_or_null('line_total_eur', dbt.type_numeric())) }} as revenue_eur
    from deduplicated

)

select * from order_lines
