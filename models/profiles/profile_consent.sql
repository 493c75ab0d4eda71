{%- set channels = ['email', 'sms', 'push', 'ads'] -%}
{%- set purposes = ['marketing', 'analytics', 'service'] -%}
with

profile_records as (

    select
        source_record_id,
        profile_id

    from {{ ref('profile_records') }}

    where source_name = 'consents'

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
        coalesce(loaded_at, {{ cdp_now() }}) as loaded_at

    from {{ ref('stg_consent__consents') }}

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
            when recorded_at > {{ cdp_now() }} then {{ cdp_now() }}
            else recorded_at
        end as recorded_at

    from consents

    where
        recorded_at <= {{ cdp_now() }}
        or (state = 'opted_out' and loaded_at <= {{ cdp_now() }})

),

-- Every channel with every purpose.
kinds as (
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
        kinds.channel,
        kinds.purpose,
        known.state,
        known.basis,
        known.consent_source,
        known.recorded_at

    from known

    cross join kinds

    where
        (known.channel = 'all' or known.purpose = 'all')
        and known.channel in ('all', kinds.channel)
        and known.purpose in ('all', kinds.purpose)

),

-- Who was asked: the phone for text messages, the e-mail address for all else.
owned as (

    select
        answers.consent_id,
        profile_records.profile_id,
        case
            when answers.channel = 'sms' then coalesce(answers.phone, answers.email)
            else coalesce(answers.email, answers.phone)
        end as subject,
        answers.channel,
        answers.purpose,
        answers.state,
        answers.basis,
        answers.consent_source,
        answers.recorded_at

    from answers

    inner join profile_records on answers.consent_id = profile_records.source_record_id

),

-- The latest answer of each identifier counts; at the same instant the refusal does.
subjects_ranked as (

    select
        consent_id,
        profile_id,
        channel,
        purpose,
        state,
        basis,
        consent_source,
        recorded_at,
        row_number() over (
            partition by profile_id, subject, channel, purpose
            order by
                recorded_at desc nulls last,
                case state when 'opted_out' then 1 else 2 end asc,
                consent_id asc
        ) as recency

    from owned

),

-- Between the identifiers of one person the stricter answer counts, whichever is newer.
profiles_ranked as (

    select
        profile_id,
        channel,
        purpose,
        state,
        basis,
        consent_source,
        recorded_at,
        row_number() over (
            partition by profile_id, channel, purpose
            order by
                case state when 'opted_out' then 1 else 2 end asc,
                recorded_at desc nulls last,
                consent_id asc
        ) as strictness

    from subjects_ranked

    where recency = 1

),

consent as (

    select
        profile_id,
        channel,
        purpose,
        state,
        basis,
        consent_source,
        recorded_at

    from profiles_ranked

    where strictness = 1

)

select * from consent
