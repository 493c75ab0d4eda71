{{ config(materialized='by_key', unique_key='ticket_id') }}

with

source as (

    select
        id,
        requester_email,
        requester_phone,
        requester_name,
        subject,
        priority,
        status,
        product,
        created_at,
        solved_at,
        _loaded_at
    from {{ headwater.rows_by_key(source('support', 'tickets'), 'id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('id') }}
    qualify
        row_number() over (
            partition by id
            order by
                _loaded_at desc nulls last,
                {{ headwater.by_each([
                    'requester_email', 'requester_phone', 'requester_name', 'subject',
                    'priority', 'status', 'product', 'created_at', 'solved_at',
                ]) }}
        ) = 1

),

tickets as (

    select
        cast(id as {{ dbt.type_string() }}) as ticket_id,
        {{ headwater.normalise_email('requester_email') }} as email,
        {{ headwater.normalise_phone('requester_phone') }} as phone,
        {{ headwater.normalise_name('requester_name') }} as requester_name,
        {{ headwater.normalise_text('subject') }} as subject,
        case lower(trim(priority))
            when 'normal' then 'medium'
            when 'urgent' then 'high'
            else lower(trim(priority))
        end as severity,
        case
            when lower(trim(status)) in ('solved', 'closed') then 'solved'
            else 'open'
        end as status,
        lower(trim(product)) as product_line,
        {{ headwater.cast_or_null('created_at', dbt.type_timestamp()) }} as opened_at,
        {{ headwater.cast_or_null('solved_at', dbt.type_timestamp()) }} as solved_at,
        {{ headwater.cast_or_null('_loaded_at', dbt.type_timestamp()) }} as loaded_at
    from deduplicated

)

select * from tickets
