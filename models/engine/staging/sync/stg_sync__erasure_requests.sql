with

source as (

    select * from {{ source('sync', 'erasure_requests') }}

),

erasure_requests as (

    select
        request_id,
        identifier_type,
        identifier_value_sha256,
        requested_at

    from source

    where environment = {{ headwater.cdp_environment() }}

)

select * from erasure_requests
