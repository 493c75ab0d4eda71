{{ config(materialized='by_key', unique_key='crm_account_id') }}

with

source as (

    select
        account_id,
        name,
        website,
        vat_number,
        billing_country,
        industry,
        employees,
        owner,
        stage,
        created_date,
        modified_date,
        _synced_at
    from {{ headwater.rows_by_key(source('crm', 'accounts'), 'account_id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('account_id') }}
    qualify
        row_number() over (
            partition by account_id
            order by
                _synced_at desc nulls last,
                modified_date desc nulls last,
                {{ headwater.by_each([
                    'name', 'website', 'vat_number', 'billing_country', 'industry', 'employees',
                    'owner', 'stage', 'created_date',
                ]) }}
        ) = 1

),

accounts as (

    select
        account_id as crm_account_id,
        {{ headwater.normalise_company_name('name') }} as account_name,
        {{ headwater.normalise_domain('website') }} as domain,
        {{ headwater.normalise_text('website') }} as website,
        {{ headwater.normalise_tax_id('vat_number', headwater.normalise_country('billing_country')) }}
            as tax_id,
        {{ headwater.normalise_country('billing_country') }} as country,
        lower(trim(industry)) as industry,
        {{ headwater.cast_or_null("replace(employees, ',', '')", dbt.type_int()) }} as employee_count,
        {{ headwater.normalise_email('owner') }} as owner_email,
        lower(trim(stage)) as lifecycle_stage,
        {{ headwater.cast_or_null('created_date', dbt.type_timestamp()) }} as created_at,
        {{ headwater.cast_or_null('modified_date', dbt.type_timestamp()) }} as updated_at,
        {{ headwater.cast_or_null('_synced_at', dbt.type_timestamp()) }} as loaded_at
    from deduplicated

)

select * from accounts
