-- Every id that ever was leads to one that has records, or to nothing; and every id in use leads to itself.
with

identity_aliases as (

    select
        old_id,
        live_id

    from {{ ref('identity_aliases') }}

),

live_ids as (

    select entity_id

    from {{ ref('identity_entity_records') }}

    group by entity_id

),

dead_ends as (

    select identity_aliases.old_id as id

    from identity_aliases

    left join live_ids on identity_aliases.live_id = live_ids.entity_id

    where
        identity_aliases.live_id is not null
        and live_ids.entity_id is null

),

strangers as (

    select live_ids.entity_id as id

    from live_ids

    left join identity_aliases on live_ids.entity_id = identity_aliases.old_id

    where coalesce(identity_aliases.live_id, '') <> live_ids.entity_id

),

wrong as (

    select id from dead_ends

    union all

    select id from strangers

)

select * from wrong
