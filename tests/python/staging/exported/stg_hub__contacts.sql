with source as (
    select "Record ID" as record_no, "First Name" as first_name, "Last Name" as last_name, email, "Phone Number" as phone,
        "Create Date" as created, "Associated Company" as company, "Country/Region" as country,
        "Additional email addresses" as more_emails, "Unsubscribed from all email" as unsubscribed
    from {{ source('hub', 'contacts') }}
),
countries as (select *, {{ headwater.normalise_country('country') }} as country_code from source),
contacts as (
    select record_no as contact_id,
        {{ headwater.normalise_email('email') }} as email,
        {{ headwater.normalise_email(headwater.part_of('more_emails', 1)) }} as email_2,
        {{ headwater.normalise_email(headwater.part_of('more_emails', 2)) }} as email_3,
        {{ headwater.normalise_phone('phone', 'country_code') }} as phone,
        {{ headwater.normalise_name('first_name') }} as first_name,
        {{ headwater.normalise_name('last_name') }} as last_name,
        {{ headwater.normalise_company_name('company') }} as company_name,
        country_code as country,
        {{ headwater.read('created', 'timestamp', format=['YYYY-MM-DD', 'MM/DD/YYYY']) }} as created_at,
        unsubscribed
    from countries where {{ headwater.has_key('record_no') }}
)
select * from contacts
