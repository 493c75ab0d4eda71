with

identity_aliases as (

    select
        old_id,
        live_id

    from {{ ref('identity_aliases') }}

    where entity = 'person'

),

steps as (
    {% for journey in headwater.registry('journeys') %}
    select
        touchpoint_id,
        journey_name,
        node,
        profile_id

    from {{ ref(journey) }}

    where touchpoint_id is not null

    union all
    {% endfor %}
    select
        cast(null as {{ dbt.type_string() }}) as touchpoint_id,
        cast(null as {{ dbt.type_string() }}) as journey_name,
        cast(null as {{ dbt.type_string() }}) as node,
        cast(null as {{ dbt.type_string() }}) as profile_id

    from (select 1 as one) as nobody

    where one = 0

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
