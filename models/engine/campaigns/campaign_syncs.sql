with

definitions as (

    {{ headwater.sync_definitions() | indent(4) }}

),

syncs as (

    select
        sync_name,
        audience_name,
        destination,
        object_kind,
        object_name,
        mode,
        entity,
        channel

    from definitions

    where sync_name is not null

)

select * from syncs
