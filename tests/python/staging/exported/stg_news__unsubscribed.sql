with source as (select "Email Address" as mail, unsub_time, leid from {{ source('news', 'unsubscribed') }}),
unsubscribed as (
    select leid as member_id, {{ headwater.normalise_email('mail') }} as email,
        {{ headwater.cast_or_null('unsub_time', dbt.type_timestamp()) }} as unsubscribed_at
    from source where {{ headwater.has_key('leid') }}
)
select * from unsubscribed
