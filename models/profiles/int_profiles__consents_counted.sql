{%- set channels = ['email', 'sms', 'push', 'ads'] -%}
{%- set purposes = ['marketing', 'analytics', 'service'] -%}
with

consent_answers as (

    {{ headwater.consent_answers() | indent(4) }}

),

consents as (

    select
        consent_id,
        email,
        phone,
        channel,
        purpose,
        state,
        basis,
        consent_source,
        recorded_at,
        coalesce(loaded_at, {{ headwater.cdp_now() }}) as loaded_at

    from consent_answers

    where channel is not null and purpose is not null

),

-- A no that has arrived counts even where its time is not known or lies ahead of the clock; a yes then does not.
known as (

    select
        consent_id,
        email,
        phone,
        channel,
        purpose,
        state,
        basis,
        consent_source,
        case
            when recorded_at is null then loaded_at
            when recorded_at > {{ headwater.cdp_now() }} then {{ headwater.cdp_now() }}
            else recorded_at
        end as recorded_at

    from consents

    where
        recorded_at <= {{ headwater.cdp_now() }}
        or (state = 'opted_out' and loaded_at <= {{ headwater.cdp_now() }})

),

every_channel_and_purpose as (
    {% for channel in channels -%}
    {%- set outer_loop = loop -%}
    {%- for purpose in purposes %}
    select
        '{{ channel }}' as channel,
        '{{ purpose }}' as purpose
    {{ 'union all' if not (outer_loop.last and loop.last) }}
    {%- endfor %}
    {%- endfor %}
),

-- An answer given for all channels or purposes is an answer for each.
answers as (

    select
        consent_id,
        email,
        phone,
        channel,
        purpose,
        state,
        basis,
        consent_source,
        recorded_at

    from known

    where channel <> 'all' and purpose <> 'all'

    union all

    select
        known.consent_id,
        known.email,
        known.phone,
        every_channel_and_purpose.channel,
        every_channel_and_purpose.purpose,
        known.state,
        known.basis,
        known.consent_source,
        known.recorded_at

    from known

    cross join every_channel_and_purpose

    where
        (known.channel = 'all' or known.purpose = 'all')
        and known.channel in ('all', every_channel_and_purpose.channel)
        and known.purpose in ('all', every_channel_and_purpose.purpose)

),

-- Who was asked: the phone for text messages, the e-mail address for all else.
asked as (

    select
        consent_id,
        case
            when channel = 'sms' and phone is not null then 'phone'
            when email is not null then 'email'
            else 'phone'
        end as subject_type,
        case when channel = 'sms' then coalesce(phone, email) else coalesce(email, phone) end
            as subject,
        channel,
        purpose,
        state,
        basis,
        consent_source,
        recorded_at

    from answers

)

select * from asked
