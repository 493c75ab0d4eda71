{#- Rename, cast, normalise; no joins. -#}
with

source as (

    select
        id,
        email,
        created_at,
        updated_at

    from {{ source('$name', '$table') }}

),

renamed as (

    select
        cast(id as {{ dbt.type_string() }}) as ${grain}_id,
        {{ headwater.normalise_email('email') }} as email,
        cast(created_at as {{ dbt.type_timestamp() }}) as created_at,
        cast(updated_at as {{ dbt.type_timestamp() }}) as updated_at

    from source

)

select * from renamed
