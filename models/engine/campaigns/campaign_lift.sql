{%- set lift = headwater.setting('cdp_lift') %}
with

identity_aliases as (

    select
        old_id,
        live_id

    from {{ ref('identity_aliases') }}

    where entity = 'person'

),

entries as (

    select
        audience_name,
        profile_id,
        is_holdout,
        entered_at

    from {{ ref('campaign_lift_entries') }}

),

conversion_events as (

    select
        conversion_name,
        profile_id,
        occurred_at

    from {{ ref('int_campaigns__conversions') }}

),

conversions as (

    select
        conversion_name,
        profile_id,
        occurred_at as converted_at

    from conversion_events

),

conversion_names as (
    {#- One that has not happened yet has its row too. -#}
    {% for conversion in headwater.conversions() %}
    select {{ headwater.string_literal(conversion.name) }} as conversion_name

    union distinct
    {% endfor %}
    select conversion_name from conversion_events
),

-- Two profiles that merged are one person; one who was in both arms is in neither.
people as (

    select
        entries.audience_name,
        identity_aliases.live_id as profile_id,
        max(case when entries.is_holdout then 1 else 0 end) as is_holdout,
        min(entries.entered_at) as entered_at

    from entries

    inner join identity_aliases on entries.profile_id = identity_aliases.old_id

    where identity_aliases.live_id is not null

    group by entries.audience_name, identity_aliases.live_id

    having
        max(case when entries.is_holdout then 1 else 0 end)
        = min(case when entries.is_holdout then 1 else 0 end)

),

outcomes as (

    select
        people.audience_name,
        conversion_names.conversion_name,
        people.profile_id,
        people.is_holdout,
        people.entered_at,
        max(case when conversions.profile_id is not null then 1 else 0 end) as is_converted

    from people

    cross join conversion_names

    left join conversions
        on people.profile_id = conversions.profile_id
        and conversion_names.conversion_name = conversions.conversion_name
        and conversions.converted_at >= people.entered_at
        and conversions.converted_at
        < {{ headwater.timestamp_add('people.entered_at', lift.window_days, 'day') }}

    group by
        people.audience_name,
        conversion_names.conversion_name,
        people.profile_id,
        people.is_holdout,
        people.entered_at

),

arms as (

    select
        audience_name,
        conversion_name,
        sum(1 - is_holdout) as treated_count,
        sum(is_holdout) as holdout_count,
        sum((1 - is_holdout) * is_converted) as treated_converted_count,
        sum(is_holdout * is_converted) as holdout_converted_count,
        sum(
            case
                when {{ headwater.timestamp_add('entered_at', lift.window_days, 'day') }} > {{ headwater.cdp_now() }} then 1
                else 0
            end
        ) as open_count

    from outcomes

    group by audience_name, conversion_name

),

-- The interval is Agresti and Caffo's: one conversion and one refusal are added to each arm, which
-- keeps it honest where few people convert. 1.959964 is the normal quantile of 97.5 percent.
adjusted as (

    select
        audience_name,
        conversion_name,
        treated_count,
        holdout_count,
        treated_converted_count,
        holdout_converted_count,
        open_count,
        treated_converted_count * 1.0 / nullif(treated_count, 0) as treated_rate,
        holdout_converted_count * 1.0 / nullif(holdout_count, 0) as holdout_rate,
        (treated_converted_count + 1.0) / (treated_count + 2.0) as treated_share,
        (holdout_converted_count + 1.0) / (holdout_count + 2.0) as holdout_share

    from arms

),

intervals as (

    select
        audience_name,
        conversion_name,
        treated_count,
        holdout_count,
        treated_converted_count,
        holdout_converted_count,
        open_count,
        treated_rate,
        holdout_rate,
        treated_share - holdout_share as middle,
        1.959964 * sqrt(
            treated_share * (1 - treated_share) / (treated_count + 2.0)
            + holdout_share * (1 - holdout_share) / (holdout_count + 2.0)
        ) as margin

    from adjusted

),

lift as (

    select
        audience_name,
        conversion_name,
        case
            when holdout_count = 0 or treated_count = 0 then 'no_comparison'
            when least(treated_count, holdout_count) < 100 then 'few_people'
            when least(treated_converted_count, holdout_converted_count) < 10 then 'few_conversions'
        end as warning,
        cast(treated_count as {{ dbt.type_int() }}) as treated_count,
        cast(holdout_count as {{ dbt.type_int() }}) as holdout_count,
        cast(treated_converted_count as {{ dbt.type_int() }}) as treated_converted_count,
        cast(holdout_converted_count as {{ dbt.type_int() }}) as holdout_converted_count,
        cast(open_count as {{ dbt.type_int() }}) as open_count,
        {{ headwater.as_decimal('treated_rate', 9, 6) }} as treated_rate,
        {{ headwater.as_decimal('holdout_rate', 9, 6) }} as holdout_rate,
        {{ headwater.as_decimal('treated_rate - holdout_rate', 9, 6) }} as lift,
        {{ headwater.as_decimal(
            'case when treated_count > 0 and holdout_count > 0 then middle - margin end', 9, 6
        ) }} as lift_low,
        {{ headwater.as_decimal(
            'case when treated_count > 0 and holdout_count > 0 then middle + margin end', 9, 6
        ) }} as lift_high

    from intervals

)

select * from lift
