with

identity_aliases as (

    select
        old_id,
        live_id

    from {{ ref('identity_aliases') }}

    where entity = 'person'

),

steps as (
    {% for journey in var('cdp_journeys') %}
    select
        touchpoint_id,
        journey_name,
        node,
        profile_id

    from {{ ref(journey) }}

    where touchpoint_id is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

touchpoints as (

    select
        steps.touchpoint_id,
        steps.journey_name,
        steps.node as journey_node,
        identity_aliases.live_id as profile_id

    from steps

    left join identity_aliases on steps.profile_id = identity_aliases.old_id

)

select * from touchpoints
