{{ config(materialized='by_key', unique_key='click_id') }}

with

source as (

    select
        id,
        anonymous_id,
        user_id,
        customer_id,
        device_id,
        element,
        url,
        clicked_at,
        received_at
    from {{ headwater.rows_by_key(source('web', 'clicks'), 'id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('id') }}
    qualify
        row_number() over (
            partition by id
            order by
                received_at desc nulls last,
                {{ headwater.by_each([
                    'anonymous_id', 'user_id', 'customer_id', 'device_id', 'element', 'url',
                    'clicked_at',
                ]) }}
        ) = 1

),

clicks as (

    select
        cast(id as {{ dbt.type_string() }}) as click_id,
        nullif(trim(anonymous_id), '') as anonymous_id,
        nullif(trim(user_id), '') as user_id,
        nullif(trim(customer_id), '') as customer_id,
        nullif(trim(device_id), '') as device_id,
        lower(trim(element)) as element,
        {{ headwater.regexp_replace_all('url', '^[a-z]+://[^/]*|[?#].*$', '') }} as page_path,
        case
            when url like '%utm_campaign=%'
                then {{ headwater.regexp_replace_all('url', '^.*[?&]utm_campaign=|[&#].*$', '') }}
        end as utm_campaign,
        {{ headwater.cast_or_null('clicked_at', dbt.type_timestamp()) }} as clicked_at,
        {{ headwater.cast_or_null('received_at', dbt.type_timestamp()) }} as loaded_at
    from deduplicated

)

select * from clicks
