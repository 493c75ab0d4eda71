{{
    config(
        materialized='incremental',
        incremental_strategy=headwater.append_strategy(),
        full_refresh=false,
        on_schema_change='append_new_columns'
    )
}}
with

members as (
    {% for audience in headwater.lift_audiences() %}
    select
        {{ headwater.string_literal(audience) }} as audience_name,
        profile_id,
        is_holdout

    from {{ ref(audience) }}

    union all
    {% endfor %}
    select
        cast(null as {{ dbt.type_string() }}) as audience_name,
        cast(null as {{ dbt.type_string() }}) as profile_id,
        false as is_holdout

    from (select 1 as one) as nobody

    where one = 0

),

known as (

    {% if is_incremental() -%}
    select
        audience_name,
        profile_id

    from {{ this }}
    {%- else -%}
    select
        audience_name,
        profile_id

    from members

    where 1 = 0
    {%- endif %}

),

entries as (

    select
        members.audience_name,
        members.profile_id,
        members.is_holdout,
        {{ headwater.cdp_now() }} as entered_at

    from members

    left join known
        on members.audience_name = known.audience_name
        and members.profile_id = known.profile_id

    where known.profile_id is null

)

select * from entries
