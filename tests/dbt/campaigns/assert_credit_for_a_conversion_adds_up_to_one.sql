-- By every rule of attribution the touches before a conversion share it wholly and only once; shares
-- are rounded to a millionth each.
with

totals as (

    select
        conversion_name,
        conversion_id,
        profile_id,
        count(*) as touch_count,
        sum(last_touch_share) as last_touch,
        sum(first_touch_share) as first_touch,
        sum(linear_share) as linear,
        sum(time_decay_share) as time_decay

    from {{ ref('campaign_attributions') }}

    group by conversion_name, conversion_id, profile_id

)

select * from totals

where
    last_touch <> 1
    or first_touch <> 1
    or abs(linear - 1) > touch_count * 0.000001
    or abs(time_decay - 1) > touch_count * 0.000001
