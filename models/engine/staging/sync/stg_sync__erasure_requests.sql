with

source as (

    select * from {{ source('sync', 'erasure_requests') }}

),

-- A row that `sync forget` did not write has no salt: who has the value is sent nothing, and nobody's data is taken out for it.
erasure_requests as (

    select
        request_id,
        identifier_type,
        identifier_value_sha256,
        coalesce(salt, '') as salt,
        coalesce(scope, 'suppress') as scope,
        requested_at

    from source

    -- Who asked to be forgotten is so in the sandbox too; what is tried out there erases nobody.
    where environment in ({{ headwater.cdp_environment() }}, 'live')

)

select * from erasure_requests
