with source as (
    select "Email Address" as mail, "First Name" as first_name, "Last Name" as last_name, optin_time, confirm_time, cc, leid, tags, last_changed
    from {{ source('news', 'members') }}
),
members as (
    select leid as member_id,
        {{ headwater.normalise_email('mail') }} as email,
        {{ headwater.normalise_name('first_name') }} as first_name,
        {{ headwater.normalise_name('last_name') }} as last_name,
        {{ headwater.normalise_country('cc') }} as country,
        {{ headwater.cast_or_null('optin_time', dbt.type_timestamp()) }} as opted_in_at,
        {{ headwater.cast_or_null('confirm_time', dbt.type_timestamp()) }} as confirmed_at,
        {{ headwater.cast_or_null('last_changed', dbt.type_timestamp()) }} as changed_at,
        {{ headwater.has_part('tags', 'VIP') }} as is_vip,
        'opted_in' as state
    from source where {{ headwater.has_key('leid') }}
)
select * from members
