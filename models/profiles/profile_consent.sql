{%- set channels = ['email', 'sms', 'push', 'ads'] -%}
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
        recorded_at

    from {{ ref('stg_consent__consents') }}

    where recorded_at <= {{ cdp_now() }}

),

-- An answer given for all channels is an answer for each.
answers as (
    {% for channel in channels %}
    select
        consent_id,
        email,
        phone,
        '{{ channel }}' as channel,
        purpose,
        state,
        basis,
        consent_source,
        recorded_at

    from consents

    where channel in ('{{ channel }}', 'all')
    {{ 'union all' if not loop.last }}
    {% endfor %}
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
