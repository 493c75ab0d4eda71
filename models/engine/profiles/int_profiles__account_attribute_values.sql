with

account_records as (

    select
        record_key,
        account_id,
        first_seen_at,
        last_seen_at

    from {{ ref('account_records') }}

),

account_identifiers as (

    select
        account_id,
        identifier_type,
        identifier_value

    from {{ ref('account_identifiers') }}

),

attribute_values as (

    {{ headwater.survivorship_values('account') | indent(4) }}

),

-- A value that identity gave to nobody (junk, shared, shed) is nobody's tax number either.
owned as (

    select
        attribute_values.record_key,
        account_records.account_id,
        attribute_values.source_name,
        attribute_values.attribute,
        attribute_values.value,
        attribute_values.source_rank,
        true as is_valid,
        account_records.first_seen_at,
        account_records.last_seen_at

    from attribute_values

    inner join account_records on attribute_values.record_key = account_records.record_key

    left join account_identifiers
        on account_records.account_id = account_identifiers.account_id
        and attribute_values.identifier_type = account_identifiers.identifier_type
        and attribute_values.identifier_value = account_identifiers.identifier_value

    where
        attribute_values.identifier_type is null
        or account_identifiers.account_id is not null

)

select * from owned
