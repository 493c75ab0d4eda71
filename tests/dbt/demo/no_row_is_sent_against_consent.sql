-- Nobody who did not opt in to the channel, is suppressed or is held out may be in a row that is sent.
{%- set channels = {
    'sync_klaviyo__lapsed_buyers': 'email',
    'sync_meta__outdoor_enthusiasts': 'ads',
    'sync_google__lapsed_buyers': 'ads',
    'sync_onesignal__newsletter_readers': 'push',
    'sync_files__newsletter_readers': 'email',
} %}
with

sent as (

    {% for model, channel in channels.items() -%}
    select
        profile_id,
        '{{ channel }}' as channel,
        '{{ model }}' as model

    from {{ ref(model) }}

    where withheld_reason is null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

profile_consent as (

    select
        profile_id,
        channel

    from {{ ref('profile_consent') }}

    where
        purpose = 'marketing'
        and state = 'opted_in'

),

profile_suppressions as (

    select
        profile_id,
        channel

    from {{ ref('profile_suppressions') }}

),

against as (

    select
        sent.profile_id,
        sent.model

    from sent

    left join profile_consent
        on sent.profile_id = profile_consent.profile_id
        and sent.channel = profile_consent.channel

    left join profile_suppressions
        on sent.profile_id = profile_suppressions.profile_id
        and profile_suppressions.channel in (sent.channel, 'all')

    where
        profile_consent.profile_id is null
        or profile_suppressions.profile_id is not null

)

select * from against
