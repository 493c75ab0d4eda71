with

identity_aliases as (

    select
        entity,
        old_id,
        live_id

    from {{ ref('identity_aliases') }}

),

steps as (
    {% for journey in headwater.registry('journeys') %}
    select
        touchpoint_id,
        journey_name,
        node,
        profile_id,
        {{ 'account_id' if headwater.key_of_journey(journey) == 'account_id' else 'cast(null as ' ~ dbt.type_string() ~ ') as account_id' }}

    from {{ ref(journey) }}

    where touchpoint_id is not null

    union all
    {% endfor %}
    select
        cast(null as {{ dbt.type_string() }}) as touchpoint_id,
        cast(null as {{ dbt.type_string() }}) as journey_name,
        cast(null as {{ dbt.type_string() }}) as node,
        cast(null as {{ dbt.type_string() }}) as profile_id,
        cast(null as {{ dbt.type_string() }}) as account_id

    from (select 1 as one) as nobody

    where one = 0

),

touchpoints as (

    select
        steps.touchpoint_id,
        steps.journey_name,
        steps.node as journey_node,
        people.live_id as profile_id,
        companies.live_id as account_id

    from steps

    left join identity_aliases as people
        on steps.profile_id = people.old_id
        and people.entity = 'person'

    left join identity_aliases as companies
        on steps.account_id = companies.old_id
        and companies.entity = 'account'

)

select * from touchpoints
