with source as (select * from {{ source('sf', 'contacts') }}),
contacts as (
    select id as sf_contact_id, {{ headwater.cast_or_null('isdeleted', dbt.type_boolean()) }} as is_deleted, masterrecordid as master_id,
        {{ headwater.normalise_email('email') }} as email, {{ headwater.normalise_phone('phone', "'IE'") }} as phone, {{ headwater.normalise_phone('mobilephone', "'IE'") }} as mobile,
        {{ headwater.normalise_name('firstname') }} as first_name, {{ headwater.normalise_name('lastname') }} as last_name,
        hasoptedoutofemail as has_opted_out, {{ headwater.cast_or_null('createddate', dbt.type_timestamp()) }} as created_at
    from source
) select * from contacts
