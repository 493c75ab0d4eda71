with

profile_records as (

    select
        source_record_id,
        profile_id

    from {{ ref('profile_records') }}

    where
        source_name in (
            {%- for model in headwater.registry('consents') %}
            {{ headwater.string_literal(headwater.source_name_of('consents', model)) }},
            {%- endfor %}
            ''
        )

),

profile_identifiers as (

    select
        profile_id,
        identifier_type,
        identifier_value

    from {{ ref('profile_identifiers') }}

),

consents as (

    select
        consent_id,
        subject_type,
        subject,
        channel,
        purpose,
        state,
        basis,
        consent_source,
        recorded_at

    from {{ ref('int_profiles__consents_counted') }}

),

-- An answer is one of the person its record belongs to. A no is also one of whoever has that address or number by now: the
-- record may have been let go, as after `window_days`.
owned as (

    select
        consents.consent_id,
        profile_records.profile_id,
        consents.subject,
        consents.channel,
        consents.purpose,
        consents.state,
        consents.basis,
        consents.consent_source,
        consents.recorded_at

    from consents

    inner join profile_records on consents.consent_id = profile_records.source_record_id

    union all

    select
        consents.consent_id,
        profile_identifiers.profile_id,
        consents.subject,
        consents.channel,
        consents.purpose,
        consents.state,
        consents.basis,
        consents.consent_source,
        consents.recorded_at

    from consents

    inner join profile_identifiers
        on consents.subject_type = profile_identifiers.identifier_type
        and consents.subject = profile_identifiers.identifier_value

    where consents.state = 'opted_out'

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
