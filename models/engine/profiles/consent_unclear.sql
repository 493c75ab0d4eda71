{%- set types = headwater.string_literals(['profile_id'] + (headwater.setting('cdp_identity').get('person', {}).get('identifiers', {}) | list)) -%}
with

holders as (

    select distinct
        identifier_type,
        identifier_value

    from {{ ref('int_profiles__identifier_holders') }}

),

records as (

    select
        source_name,
        source_record_id

    from {{ ref('profile_records') }}

),

answers as (

    select
        answer_source,
        source_name,
        record_id,
        channel_said,
        purpose_said,
        channel,
        purpose,
        email,
        phone,
        consent_source,
        state,
        is_origin_known,
        answer_said,
        is_answer_known

    from {{ ref('int_profiles__consent_answers') }}

),

of_answers as (

    select
        answers.answer_source,
        answers.state,
        answers.consent_source,
        answers.channel_said,
        answers.purpose_said,
        answers.is_origin_known,
        answers.answer_said,
        answers.is_answer_known,
        coalesce(answers.channel_said in ({{ headwater.string_literals(['all'] + (headwater.consent_channels() | list)) }}), false)
            as is_channel_known,
        coalesce(answers.purpose_said in ({{ headwater.string_literals(['all'] + headwater.consent_purposes()) }}), false)
            as is_purpose_known,
        records.source_record_id is null and answers.email is null and answers.phone is null as names_nobody,
        answers.email is null and answers.phone is null as has_no_value,
        records.source_record_id is null and by_email.identifier_value is null and by_phone.identifier_value is null as meets_nobody,
        answers.source_name is not null and records.source_record_id is null as has_no_record

    from answers

    left join holders as by_email
        on by_email.identifier_type = 'email'
        and answers.email = by_email.identifier_value

    left join holders as by_phone
        on by_phone.identifier_type = 'phone'
        and answers.phone = by_phone.identifier_value

    left join records
        on answers.source_name = records.source_name
        and answers.record_id = records.source_record_id

),

erasure_requests as (

    select
        coalesce(lower(trim(identifier_type)), '') as identifier_type,
        lower(trim(identifier_value_sha256)) as identifier_value_sha256

    from {{ ref('stg_sync__erasure_requests') }}

    -- What `sync forget` wrote is about people it knew, who are not there any more.
    where coalesce(salt, '') = ''

),

erasures_met as (

    select distinct
        erasure_requests.identifier_type,
        erasure_requests.identifier_value_sha256

    from holders

    inner join erasure_requests
        on erasure_requests.identifier_value_sha256 = {{ headwater.sha256_hex('holders.identifier_value') }}

    where
        holders.identifier_type = erasure_requests.identifier_type
        or erasure_requests.identifier_type not in ({{ types }})

),

campaign_news as (

    select
        recipients.destination,
        recipients.kind

    from {{ ref('int_profiles__campaign_recipients_resolved') }} as recipients

    left join holders
        on recipients.recipient_type = holders.identifier_type
        and recipients.recipient = holders.identifier_value

    where
        recipients.kind in ({{ headwater.string_literals(headwater.suppressing_events()) }})
        and recipients.profile_id is null
        and holders.identifier_value is null

),

unclear as (

    select
        answer_source as said_by,
        'unknown_channel' as problem,
        channel_said as word,
        case state when 'opted_out' then 'a no to every channel' else 'no yes' end as taken_as

    from of_answers

    where not is_channel_known

    union all

    select
        answer_source as said_by,
        'unknown_purpose' as problem,
        purpose_said as word,
        case state when 'opted_out' then 'a no to every purpose' else 'no yes' end as taken_as

    from of_answers

    where not is_purpose_known

    union all

    select
        answer_source as said_by,
        'unknown_answer' as problem,
        answer_said as word,
        'a no' as taken_as

    from of_answers

    where not coalesce(is_answer_known, true)

    union all

    select
        answer_source as said_by,
        'unknown_origin' as problem,
        lower(consent_source) as word,
        'a yes that ends no refusal' as taken_as

    from of_answers

    where
        state = 'opted_in'
        and not is_origin_known

    union all

    select
        answer_source as said_by,
        'refusal_without_a_value' as problem,
        cast(null as {{ dbt.type_string() }}) as word,
        case when names_nobody then 'of nobody' else 'of its own record only' end as taken_as

    from of_answers

    where
        state = 'opted_out'
        and has_no_value

    union all

    select
        answer_source as said_by,
        'refusal_of_nobody_known' as problem,
        cast(null as {{ dbt.type_string() }}) as word,
        'of nobody' as taken_as

    from of_answers

    where
        state = 'opted_out'
        and meets_nobody
        and not has_no_value

    union all

    select
        answer_source as said_by,
        'yes_without_a_record' as problem,
        cast(null as {{ dbt.type_string() }}) as word,
        'of nobody' as taken_as

    from of_answers

    where
        state = 'opted_in'
        and has_no_record

    union all

    select
        'erasure_requests' as said_by,
        'erasure_of_nobody_known' as problem,
        erasure_requests.identifier_type as word,
        'of nobody' as taken_as

    from erasure_requests

    left join erasures_met
        on erasure_requests.identifier_type = erasures_met.identifier_type
        and erasure_requests.identifier_value_sha256 = erasures_met.identifier_value_sha256

    where erasures_met.identifier_value_sha256 is null

    union all

    select
        destination as said_by,
        'suppression_of_nobody_known' as problem,
        kind as word,
        'of nobody' as taken_as

    from campaign_news

),

-- A word that is long or holds a digit or an at-sign may be somebody's address: it is not shown.
shown as (

    select
        said_by,
        problem,
        coalesce(
            case
                when word is null then '(empty)'
                when {{ headwater.regexp_matches_whole('word', '[a-z][a-z _-]{0,29}') }} then word
            end,
            '(not shown)'
        ) as word,
        taken_as

    from unclear

),

counted as (

    select
        said_by,
        problem,
        word,
        taken_as,
        cast(count(*) as {{ dbt.type_int() }}) as answers

    from shown

    group by said_by, problem, word, taken_as

)

select * from counted
