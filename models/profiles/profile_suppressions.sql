{%- set reasons = var('cdp_suppressing_events') -%}
with

profile_identifiers as (

    select
        profile_id,
        identifier_type,
        identifier_value

    from {{ ref('profile_identifiers') }}

),

erasure_requests as (

    select
        identifier_type,
        identifier_value_sha256,
        requested_at

    from {{ ref('stg_sync__erasure_requests') }}

    where requested_at <= {{ headwater.cdp_now() }}

),

profile_consent as (

    select
        profile_id,
        channel,
        recorded_at

    from {{ ref('profile_consent') }}

    where
        purpose = 'marketing'
        and state = 'opted_in'

),

-- Bad news from a campaign whose channel nobody told counts for every channel, and what has arrived counts even if a vendor's
-- clock is ahead of ours.
campaign_news as (

    select
        profile_id,
        coalesce(channel, 'all') as channel,
        case kind
            {%- for kind, reason in reasons.items() %}
            when {{ headwater.string_literal(kind) }} then {{ headwater.string_literal(reason) }}
            {%- endfor %}
        end as reason,
        occurred_at

    from {{ ref('int_profiles__campaign_recipients_resolved') }}

    where
        profile_id is not null
        and (occurred_at <= {{ headwater.cdp_now() }} or loaded_at <= {{ headwater.cdp_now() }})

),

-- Who says yes again after unsubscribing is no longer suppressed. A bounce or a complaint is not
-- undone by consent.
campaign_suppressions as (

    select
        campaign_news.profile_id,
        campaign_news.channel,
        campaign_news.reason,
        campaign_news.occurred_at as since

    from campaign_news

    left join profile_consent
        on campaign_news.profile_id = profile_consent.profile_id
        and campaign_news.channel = profile_consent.channel
        and campaign_news.reason = 'unsubscribed'
        and campaign_news.occurred_at < profile_consent.recorded_at

    where
        campaign_news.reason is not null
        and profile_consent.profile_id is null

),

erasures as (

    select
        profile_identifiers.profile_id,
        'all' as channel,
        'erasure' as reason,
        erasure_requests.requested_at as since

    from profile_identifiers

    inner join erasure_requests
        on profile_identifiers.identifier_type = erasure_requests.identifier_type
        and erasure_requests.identifier_value_sha256
        = {{ headwater.sha256_hex('profile_identifiers.identifier_value') }}

),

every_suppression as (

    select
        profile_id,
        channel,
        reason,
        since

    from campaign_suppressions

    union all

    select
        profile_id,
        channel,
        reason,
        since

    from erasures

),

suppressions as (

    select
        profile_id,
        channel,
        reason,
        min(since) as since

    from every_suppression

    group by profile_id, channel, reason

)

select * from suppressions
