{%- set channels = headwater.consent_channels() -%}
{%- set purposes = headwater.consent_purposes() -%}
{%- set by_phone = headwater.string_literals(channels | dictsort | selectattr(1, 'equalto', 'phone') | map(attribute=0) | list) -%}
with

answers as (

    select
        answer_source,
        source_name,
        consent_id,
        record_id,
        email,
        phone,
        channel,
        purpose,
        state,
        may_raise,
        basis,
        consent_source,
        is_by_guardian,
        lapse,
        recorded_at,
        coalesce(loaded_at, {{ headwater.cdp_now() }}) as loaded_at

    from {{ ref('int_profiles__consent_answers') }}

    where channel is not null and purpose is not null

),

-- A no that has arrived counts even where its time is not known or lies ahead of the clock; a yes then does not.
known as (

    select
        answer_source,
        source_name,
        consent_id,
        record_id,
        email,
        phone,
        channel,
        purpose,
        state,
        may_raise,
        basis,
        consent_source,
        is_by_guardian,
        lapse,
        case
            when recorded_at is null then loaded_at
            when recorded_at > {{ headwater.cdp_now() }} then {{ headwater.cdp_now() }}
            else recorded_at
        end as recorded_at

    from answers

    where
        recorded_at <= {{ headwater.cdp_now() }}
        or (state = 'opted_out' and loaded_at <= {{ headwater.cdp_now() }})

),

every_channel_and_purpose as (
    {% for channel in channels -%}
    {%- set outer_loop = loop -%}
    {%- for purpose in purposes %}
    select
        {{ headwater.string_literal(channel) }} as channel,
        {{ headwater.string_literal(purpose) }} as purpose
    {{ 'union all' if not (outer_loop.last and loop.last) }}
    {%- endfor %}
    {%- endfor %}
),

-- An answer for all channels or purposes is one for each there is, whenever it came to be.
expanded as (

    select
        known.answer_source,
        known.source_name,
        known.consent_id,
        known.record_id,
        known.email,
        known.phone,
        known.channel = 'all' as is_for_all_channels,
        every_channel_and_purpose.channel,
        every_channel_and_purpose.purpose,
        known.state,
        known.may_raise,
        known.basis,
        known.consent_source,
        known.is_by_guardian,
        known.lapse,
        known.recorded_at

    from known

    cross join every_channel_and_purpose

    where
        known.channel in ('all', every_channel_and_purpose.channel)
        and known.purpose in ('all', every_channel_and_purpose.purpose)

),

asked_by as (

    select
        *,
        case
            when channel in ({{ by_phone }}) and phone is not null then 'phone'
            when email is not null then 'email'
            else 'phone'
        end as subject_type

    from expanded

),

-- Who was asked: what the channel is asked by. A no to all channels is one of whoever has the other value, too.
asked as (

    select
        answer_source,
        source_name,
        consent_id,
        record_id,
        subject_type,
        case subject_type when 'phone' then phone else email end as subject,
        case
            when state = 'opted_out' and is_for_all_channels and email is not null and phone is not null
                then case subject_type when 'phone' then 'email' else 'phone' end
        end as other_type,
        case
            when state = 'opted_out' and is_for_all_channels and email is not null and phone is not null
                then case subject_type when 'phone' then email else phone end
        end as other_subject,
        channel,
        purpose,
        state,
        may_raise,
        basis,
        consent_source,
        is_by_guardian,
        lapse,
        recorded_at

    from asked_by

)

select * from asked
