{%- do headwater.ref_records() -%}
with

account_records as (

    select
        record_key,
        account_id

    from {{ ref('account_records') }}

),

profile_records as (

    select
        record_key,
        profile_id,
        first_seen_at,
        last_seen_at

    from {{ ref('profile_records') }}

),

-- What a source says a contact is at the company: its record's `role` and `job_title`.
contacts as (
    {% for source in headwater.record_sources('account') if source.role or source.job_title %}
    select
        {{ dbt.concat([headwater.string_literal(source.source_name ~ ':'), 'cast(' ~ source.record_key ~ ' as ' ~ dbt.type_string() ~ ')']) }} as record_key,
        cast({{ source.role or 'null' }} as {{ dbt.type_string() }}) as role,
        cast({{ source.job_title or 'null' }} as {{ dbt.type_string() }}) as job_title

    from {{ ref(source.model) }}
    {%- if source.merged_into %}

    where {{ headwater.record_merged_into(source) }} is null
    {%- endif %}

    union all
    {% endfor %}
    select
        cast(null as {{ dbt.type_string() }}) as record_key,
        cast(null as {{ dbt.type_string() }}) as role,
        cast(null as {{ dbt.type_string() }}) as job_title

    from (select 1 as one) as nobody

    where one = 0

),

-- A record that speaks for a person and for a company makes the one a contact of the other.
shared_records as (

    select
        account_records.account_id,
        profile_records.profile_id,
        profile_records.record_key,
        contacts.job_title,
        contacts.role,
        profile_records.first_seen_at,
        profile_records.last_seen_at

    from profile_records

    inner join account_records on profile_records.record_key = account_records.record_key

    left join contacts
        on profile_records.record_key = contacts.record_key

),

-- What sales wrote last counts; somebody known from the product alone is a user.
ranked as (

    select
        account_id,
        profile_id,
        job_title,
        role,
        min(first_seen_at) over (partition by account_id, profile_id) as first_seen_at,
        max(last_seen_at) over (partition by account_id, profile_id) as last_seen_at,
        row_number() over (
            partition by account_id, profile_id
            order by
                case when role is null then 2 else 1 end asc,
                last_seen_at desc nulls last,
                record_key asc
        ) as preference

    from shared_records

),

account_contacts as (

    select
        account_id,
        profile_id,
        coalesce(role, 'user') as role,
        job_title,
        first_seen_at,
        last_seen_at

    from ranked

    where preference = 1

)

select * from account_contacts
