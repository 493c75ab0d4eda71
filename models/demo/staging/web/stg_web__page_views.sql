{{ config(materialized='by_key', unique_key='page_view_id') }}

with

source as (

    select
        id,
        anonymous_id,
        user_id,
        customer_id,
        device_id,
        url,
        viewed_at,
        received_at
    from {{ headwater.rows_by_key(source('web', 'page_views'), 'id') }}

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
                    'anonymous_id', 'user_id', 'customer_id', 'device_id', 'url', 'viewed_at',
                ]) }}
        ) = 1

),

parsed as (

    select
        *,
        {{ headwater.regexp_replace_all('url', '^[a-z]+://[^/]*|[?#].*$', '') }} as page_path,
        case
            when url like '%utm_campaign=%'
                then {{ headwater.regexp_replace_all('url', '^.*[?&]utm_campaign=|[&#].*$', '') }}
        end as utm_campaign
    from deduplicated

),

page_views as (

    select
        cast(id as {{ dbt.type_string() }}) as page_view_id,
        nullif(trim(anonymous_id), '') as anonymous_id,
        nullif(trim(user_id), '') as user_id,
        nullif(trim(customer_id), '') as customer_id,
        nullif(trim(device_id), '') as device_id,
        page_path,
        case
            when {{ headwater.regexp_matches_whole('page_path', '/(outdoor|home|kids)(/.*)?') }}
                then {{ dbt.split_part('page_path', "'/'", 2) }}
        end as product_line,
        utm_campaign,
        {{ headwater.cast_or_null('viewed_at', dbt.type_timestamp()) }} as viewed_at,
        {{ headwater.cast_or_null('received_at', dbt.type_timestamp()) }} as loaded_at
    from parsed

)

select * from page_views
