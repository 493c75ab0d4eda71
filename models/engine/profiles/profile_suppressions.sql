{%- set reasons = headwater.suppressing_events() -%}
{%- set minors = headwater.minors() -%}
{%- set types = headwater.string_literals(['profile_id'] + (headwater.setting('cdp_identity').get('person', {}).get('identifiers', {}) | list)) -%}
with

holders as (

    select
        profile_id,
        identifier_type,
        identifier_value

    from {{ ref('int_profiles__identifier_holders') }}

),

erasure_requests as (

    select
        lower(trim(identifier_type)) as identifier_type,
        lower(trim(identifier_value_sha256)) as identifier_value_sha256,
        coalesce(salt, '') as salt,
        requested_at

    from {{ ref('stg_sync__erasure_requests') }}

    where coalesce(scope, 'suppress') <> 'shared'

),

salts as (

    select distinct salt

    from erasure_requests

),

-- What the person said, by a source whose yes may end a no.
said_yes as (

    select
        profile_id,
        channel,
        recorded_at

    from {{ ref('profile_consent') }}

    where
        purpose = 'marketing'
        and state = 'opted_in'
        and may_raise

),

{%- if minors %}

minors as (

    {{ minors }}

),

subjects_of_minors as (

    select distinct
        holders.identifier_type,
        holders.identifier_value

    from holders

    inner join minors on holders.profile_id = minors.profile_id

),
{%- endif %}

-- Which address or number a yes was said of: one about another of theirs does not end an unsubscription.
said_of as (

    select
        said.subject,
        said.channel,
        max(said.recorded_at) as recorded_at

    from {{ ref('int_profiles__consents_counted') }} as said
    {%- if minors %}

    left join subjects_of_minors
        on said.subject_type = subjects_of_minors.identifier_type
        and said.subject = subjects_of_minors.identifier_value
    {%- endif %}

    where
        said.purpose = 'marketing'
        and said.state = 'opted_in'
        {%- if minors %}
        and (subjects_of_minors.identifier_value is null or said.is_by_guardian)
        {%- endif %}
        and said.may_raise
        and said.lapse is null

    group by said.subject, said.channel

),

-- Bad news from a campaign whose channel nobody told, or nobody knows, counts for every channel, and what has arrived counts even if
-- a vendor's clock is ahead of ours.
campaign_news as (

    select
        profile_id,
        recipient_type,
        recipient,
        case
            when lower(trim(channel)) in ({{ headwater.string_literals(headwater.consent_channels()) }}) then lower(trim(channel))
            else 'all'
        end as channel,
        case kind
            {%- for kind, reason in reasons.items() %}
            when {{ headwater.string_literal(kind) }} then {{ headwater.string_literal(reason) }}
            {%- endfor %}
        end as reason,
        occurred_at

    from {{ ref('int_profiles__campaign_recipients_resolved') }}

    where
        kind in ({{ headwater.string_literals(reasons) }})
        and (occurred_at <= {{ headwater.cdp_now() }} or loaded_at <= {{ headwater.cdp_now() }})

),

-- Of the one it is resolved to, and of everybody who has that address or number, whatever identity made of it.
campaign_news_owned as (

    select
        profile_id,
        recipient_type,
        recipient,
        channel,
        reason,
        occurred_at

    from campaign_news

    where profile_id is not null

    union all

    select
        holders.profile_id,
        campaign_news.recipient_type,
        campaign_news.recipient,
        campaign_news.channel,
        campaign_news.reason,
        campaign_news.occurred_at

    from campaign_news

    inner join holders
        on campaign_news.recipient_type = holders.identifier_type
        and campaign_news.recipient = holders.identifier_value

),

-- Who says yes again, of what had unsubscribed, is no longer suppressed; an import says nothing. A bounce or a complaint is not undone by
-- consent.
campaign_suppressions as (

    select
        campaign_news_owned.profile_id,
        campaign_news_owned.channel,
        campaign_news_owned.reason,
        campaign_news_owned.occurred_at as since

    from campaign_news_owned

    left join said_yes
        on campaign_news_owned.profile_id = said_yes.profile_id
        and campaign_news_owned.channel = said_yes.channel
        and campaign_news_owned.reason = 'unsubscribed'
        and campaign_news_owned.occurred_at < said_yes.recorded_at

    left join said_of
        on campaign_news_owned.recipient = said_of.subject
        and campaign_news_owned.channel = said_of.channel
        and campaign_news_owned.occurred_at < said_of.recorded_at

    where
        said_yes.profile_id is null
        or (campaign_news_owned.recipient_type in ('email', 'phone') and said_of.subject is null)

),

-- A request is one of everybody who has the value, whatever the time of the build; of a type nobody knows, of whoever has it as any.
erasures as (

    select
        holders.profile_id,
        'all' as channel,
        'erasure' as reason,
        coalesce(erasure_requests.requested_at, {{ headwater.cdp_now() }}) as since

    from holders

    cross join salts

    inner join erasure_requests
        on salts.salt = erasure_requests.salt
        and erasure_requests.identifier_value_sha256 = {{ headwater.erasure_hash('salts.salt', 'holders.identifier_value') }}

    where
        holders.identifier_type = erasure_requests.identifier_type
        or coalesce(erasure_requests.identifier_type, '') not in ({{ types }})

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
