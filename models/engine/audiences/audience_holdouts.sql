with

audience_memberships as (

    select
        audience_name,
        entity,
        entity_id,
        entered_at

    from {{ ref('audience_memberships') }}

    where is_holdout

),

holdouts as (

    select
        audience_name,
        entity,
        entity_id,
        min(entered_at) as held_out_at

    from audience_memberships

    group by audience_name, entity, entity_id

)

select * from holdouts
