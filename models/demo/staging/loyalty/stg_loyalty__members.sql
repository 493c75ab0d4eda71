{{ config(materialized='by_key', unique_key='member_id') }}

with

source as (

    select
        member_no,
        card_no,
        full_name,
        mail,
        tel,
        dob,
        tier,
        points,
        country,
        joined_on,
        changed_on,
        _loaded_at
    from {{ headwater.rows_by_key(source('loyalty', 'members'), 'member_no') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('member_no') }}
    qualify
        row_number() over (
            partition by member_no
            order by
                _loaded_at desc nulls last,
                changed_on desc nulls last,
                {{ headwater.by_each([
                    'card_no', 'full_name', 'mail', 'tel', 'dob', 'tier', 'points', 'country',
                    'joined_on',
                ]) }}
        ) = 1

),

with_country as (

    select
        *,
        {{ headwater.normalise_country('country') }} as country_code
    from deduplicated

),

members as (

    select
        member_no as member_id,
        {{ headwater.normalise_text('card_no') }} as card_number,
        {{ headwater.normalise_email('mail') }} as email,
        {{ headwater.normalise_phone('tel', 'country_code') }} as phone,
        {{ headwater.normalise_name(dbt.split_part('full_name', "','", 2)) }} as first_name,
        {{ headwater.normalise_name(dbt.split_part('full_name', "','", 1)) }} as last_name,
        {{ headwater.cast_or_null(
            headwater.regexp_replace_all('dob', '([0-9]+)[.]([0-9]+)[.]([0-9]+)', '\\3-\\2-\\1'), 'date'
        ) }} as birth_date,
        lower(trim(tier)) as tier,
        {{ headwater.cast_or_null('points', dbt.type_int()) }} as points_count,
        {{ headwater.cast_or_null('joined_on', dbt.type_timestamp()) }} as joined_at,
        {{ headwater.cast_or_null('changed_on', dbt.type_timestamp()) }} as updated_at,
        {{ headwater.cast_or_null('_loaded_at', dbt.type_timestamp()) }} as loaded_at
    from with_country

)

select * from members
