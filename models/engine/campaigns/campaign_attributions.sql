{%- set attribution = headwater.setting('cdp_attribution') %}
with

conversion_events as (

    select
        conversion_name,
        conversion_id,
        profile_id,
        value_eur,
        occurred_at

    from {{ ref('int_campaigns__conversions') }}

),

conversions as (

    select
        conversion_name,
        conversion_id,
        profile_id,
        sum(value_eur) as value_eur,
        min(occurred_at) as converted_at

    from conversion_events

    group by conversion_name, conversion_id, profile_id

),

touches as (

    select
        campaign_event_id,
        campaign_id,
        touchpoint_id,
        profile_id,
        campaign_name,
        destination,
        channel,
        sync_name,
        audience_name,
        occurred_at as touched_at

    from {{ ref('campaign_events') }}

    where
        kind in (
            {%- for kind in attribution.touches %}
            {{ headwater.string_literal(kind) }}{{ ',' if not loop.last }}
            {%- endfor %}
        )

),

-- A touch at the instant of the conversion still counts; the window includes its first instant.
touched as (

    select
        conversions.conversion_name,
        conversions.conversion_id,
        touches.campaign_event_id,
        touches.campaign_id,
        touches.touchpoint_id,
        conversions.profile_id,
        touches.campaign_name,
        touches.destination,
        touches.channel,
        touches.sync_name,
        touches.audience_name,
        conversions.value_eur,
        touches.touched_at,
        conversions.converted_at,
        power(
            0.5,
            {{ headwater.seconds_between('touches.touched_at', 'conversions.converted_at') }}
            / (86400.0 * {{ attribution.half_life_days }})
        ) as decay

    from conversions

    inner join touches
        on conversions.profile_id = touches.profile_id
        and touches.touched_at <= conversions.converted_at
        and touches.touched_at
        >= {{ headwater.timestamp_add('conversions.converted_at', -attribution.window_days, 'day') }}

),

ranked as (

    select
        conversion_name,
        conversion_id,
        campaign_event_id,
        campaign_id,
        touchpoint_id,
        profile_id,
        campaign_name,
        destination,
        channel,
        sync_name,
        audience_name,
        value_eur,
        touched_at,
        converted_at,
        decay,
        row_number() over (
            partition by conversion_name, conversion_id, profile_id
            order by touched_at asc nulls last, campaign_event_id asc
        ) as touch_number,
        count(*) over (partition by conversion_name, conversion_id, profile_id) as touch_count,
        sum(decay) over (partition by conversion_name, conversion_id, profile_id) as total_decay

    from touched

),

attributions as (

    select
        conversion_name,
        conversion_id,
        campaign_event_id,
        campaign_id,
        touchpoint_id,
        profile_id,
        campaign_name,
        destination,
        channel,
        sync_name,
        audience_name,
        {{ headwater.as_euros('value_eur') }} as value_eur,
        {{ headwater.as_decimal('case when touch_number = touch_count then 1 else 0 end', 9, 6) }}
            as last_touch_share,
        {{ headwater.as_decimal('case when touch_number = 1 then 1 else 0 end', 9, 6) }} as first_touch_share,
        {{ headwater.as_decimal('1.0 / touch_count', 9, 6) }} as linear_share,
        {{ headwater.as_decimal('decay / total_decay', 9, 6) }} as time_decay_share,
        touched_at,
        converted_at

    from ranked

)

select * from attributions
