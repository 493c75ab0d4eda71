{{ config(materialized='by_key', unique_key='user_id') }}

with

source as (

    select
        id,
        mail,
        mobile,
        given_name,
        family_name,
        country,
        locale,
        tz,
        device_id,
        signup_ts,
        modified_ts,
        ingested_at
    from {{ headwater.rows_by_key(source('app', 'users'), 'id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('id') }}
    qualify
        row_number() over (
            partition by id
            order by
                ingested_at desc nulls last,
                modified_ts desc nulls last,
                {{ headwater.by_each([
                    'mail', 'mobile', 'given_name', 'family_name', 'country', 'locale', 'tz',
                    'device_id', 'signup_ts',
                ]) }}
        ) = 1

),

with_country as (

    select
        *,
        {{ headwater.normalise_country('country') }} as country_code
    from deduplicated

),

users as (

    select
        id as user_id,
        {{ headwater.normalise_email('mail') }} as email,
        {{ headwater.normalise_phone('mobile', 'country_code') }} as phone,
        {{ headwater.normalise_name('given_name') }} as first_name,
        {{ headwater.normalise_name('family_name') }} as last_name,
        country_code as country,
        lower({{ dbt.split_part("replace(locale, '-', '_')", "'_'", 1) }}) as language,
        {{ headwater.normalise_text('tz') }} as time_zone,
        nullif(trim(device_id), '') as device_id,
        {{ headwater.cast_or_null('signup_ts', dbt.type_timestamp()) }} as signed_up_at,
        {{ headwater.cast_or_null('modified_ts', dbt.type_timestamp()) }} as updated_at,
        {{ headwater.cast_or_null('ingested_at', dbt.type_timestamp()) }} as loaded_at
    from with_country

)

select * from users
