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
        source_name,
        source_record_id,
        profile_id,
        first_seen_at,
        last_seen_at

    from {{ ref('profile_records') }}

),

contacts as (

    select
        contact_id,
        job_title,
        role

    from {{ ref('stg_crm__contacts') }}

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
        on profile_records.source_record_id = contacts.contact_id
        and profile_records.source_name = 'crm_contacts'

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
