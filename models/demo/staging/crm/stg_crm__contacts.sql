{{ config(materialized='by_key', unique_key='contact_id') }}

with

source as (

    select
        contact_id,
        account_id,
        email,
        phone,
        firstname,
        lastname,
        title,
        buying_role,
        created_date,
        modified_date,
        _synced_at
    from {{ headwater.rows_by_key(source('crm', 'contacts'), 'contact_id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('contact_id') }}
    qualify
        row_number() over (
            partition by contact_id
            order by
                _synced_at desc nulls last,
                modified_date desc nulls last,
                {{ headwater.by_each([
                    'account_id', 'email', 'phone', 'firstname', 'lastname', 'title',
                    'buying_role', 'created_date',
                ]) }}
        ) = 1

),

contacts as (

    select
        contact_id,
        nullif(trim(account_id), '') as crm_account_id,
        {{ headwater.normalise_email('email') }} as email,
        {{ headwater.normalise_phone('phone') }} as phone,
        {{ headwater.normalise_name('firstname') }} as first_name,
        {{ headwater.normalise_name('lastname') }} as last_name,
        {{ headwater.normalise_text('title') }} as job_title,
        replace(lower(trim(buying_role)), ' ', '_') as role,
        {{ headwater.cast_or_null('created_date', dbt.type_timestamp()) }} as created_at,
        {{ headwater.cast_or_null('modified_date', dbt.type_timestamp()) }} as updated_at,
        {{ headwater.cast_or_null('_synced_at', dbt.type_timestamp()) }} as loaded_at
    from deduplicated

)

select * from contacts
