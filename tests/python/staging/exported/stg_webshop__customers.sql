with source as (
    select
        "Customer ID" as customer_no, "First Name" as first_name, "Last Name" as last_name, email,
        "Accepts Email Marketing" as accepts_email, "Accepts SMS Marketing" as accepts_sms,
        "Default Address Company" as company, "Default Address Country Code" as country, "Default Address Zip" as zip,
        phone, "Total Spent" as total_spent, tags
    from {{ source('webshop', 'customers') }}
),
customers as (
    select
        ltrim(customer_no, '''') as customer_id,
        {{ headwater.normalise_email('email') }} as email,
        {{ headwater.normalise_phone('phone', 'country') }} as phone,
        {{ headwater.normalise_name('first_name') }} as first_name,
        {{ headwater.normalise_name('last_name') }} as last_name,
        {{ headwater.normalise_company_name('company') }} as company_name,
        {{ headwater.normalise_country('country') }} as country,
        zip as postal_code,
        {{ headwater.cast_or_null('total_spent', dbt.type_numeric()) }} as total_spent,
        {{ headwater.has_part('tags', 'VIP') }} as is_vip,
        accepts_email, accepts_sms
    from source where {{ headwater.has_key('customer_no') }}
)
select * from customers
