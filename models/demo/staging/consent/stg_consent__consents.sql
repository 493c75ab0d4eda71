{{ config(materialized='by_key', unique_key='consent_id') }}

{#- An answer that came without an id is told by what it says. -#}
{%- set answer_id -%}
coalesce(
    nullif(trim(id), ''),
    {{ headwater.md5_hex(dbt.concat([
        "coalesce(email, '')", "'|'", "coalesce(phone, '')", "'|'", "coalesce(channel, '')", "'|'",
        "coalesce(purpose, '')", "'|'", "coalesce(choice, '')", "'|'", "coalesce(recorded_at, '')",
    ])) }}
)
{%- endset -%}
with

source as (

    select
        id,
        email,
        phone,
        country,
        channel,
        purpose,
        choice,
        legal_basis,
        origin,
        recorded_at,
        _loaded_at
    from {{ headwater.rows_by_key(source('consent', 'consents'), answer_id) }}

),

answered as (

    select
        *,
        {{ answer_id }} as answer_id,
        case
            when lower(trim(choice)) in ('yes', 'granted', '1', 'opt-in', 'true') then 'opted_in'
            -- An answer nobody knows is not a yes.
            else 'opted_out'
        end as state,
        {{ headwater.cast_or_null('recorded_at', dbt.type_timestamp()) }} as answered_at
    from source

),

-- Two answers under one id that came together: the later one, and a no rather than a yes where nobody can tell.
deduplicated as (

    select *
    from answered
    qualify
        row_number() over (
            partition by answer_id
            order by
                _loaded_at desc nulls last,
                case when answered_at is null and state = 'opted_out' then 1 else 2 end asc,
                answered_at desc nulls last,
                case state when 'opted_out' then 1 else 2 end asc,
                {{ headwater.by_each([
                    'email', 'phone', 'country', 'channel', 'purpose', 'choice', 'legal_basis',
                    'origin', 'recorded_at',
                ]) }}
        ) = 1

),

with_country as (

    select
        *,
        {{ headwater.normalise_country('country') }} as country_code
    from deduplicated

),

consents as (

    select
        answer_id as consent_id,
        {{ headwater.normalise_email('email') }} as email,
        {{ headwater.normalise_phone('phone', 'country_code') }} as phone,
        -- A no that names no channel or no purpose is one for all of them; a yes like that is for none.
        case
            when lower(trim(channel)) = 'advertising' then 'ads'
            when nullif(trim(channel), '') is not null then lower(trim(channel))
            when state = 'opted_out' then 'all'
        end as channel,
        case
            when nullif(trim(purpose), '') is not null then lower(trim(purpose))
            when state = 'opted_out' then 'all'
        end as purpose,
        state,
        replace(lower(trim(legal_basis)), ' ', '_') as basis,
        {{ headwater.normalise_text('origin') }} as consent_source,
        answered_at as recorded_at,
        {{ headwater.cast_or_null('_loaded_at', dbt.type_timestamp()) }} as loaded_at
    from with_country

)

select * from consents
