{%- set attributes = headwater.survivorship_rules('account').attributes -%}
{%- set groups = headwater.trait_groups('account_traits') -%}
with

account_records as (

    select
        account_id,
        first_seen_at,
        last_seen_at

    from {{ ref('account_records') }}

),

account_attributes as (

    select
        account_id,
        attribute,
        value,
        source_name

    from {{ ref('account_attributes') }}

),

domains as (

    select
        account_id,
        identifier_value as domain,
        row_number() over (
            partition by account_id
            order by
                record_count desc, first_seen_at asc nulls last, identifier_value asc nulls last
        ) as preference

    from {{ ref('account_identifiers') }}

    where identifier_type = 'domain'

),

account_contacts as (

    select account_id

    from {{ ref('account_contacts') }}

),

record_totals as (

    select
        account_id,
        count(*) as record_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from account_records

    group by account_id

),

golden_attributes as (

    select
        account_id,
        {{ headwater.survivorship_columns('account') | indent(8) }}

    from account_attributes

    group by account_id

),

contact_totals as (

    select
        account_id,
        count(*) as contact_count

    from account_contacts

    group by account_id

),

accounts as (

    select
        record_totals.account_id,
        {%- for attribute in attributes %}
        {%- if attribute.name == 'account_name' %}
        coalesce(golden_attributes.account_name, domains.domain) as account_name,
        {%- else %}
        golden_attributes.{{ attribute.name }},
        {%- endif %}
        {%- endfor %}
        domains.domain,
        {%- for attribute in attributes %}
        golden_attributes.{{ attribute.name }}_source,
        {%- endfor %}
        {%- for group in groups %}
        {%- for column in group.columns %}
        {{ group.model }}.{{ column }},
        {%- endfor %}
        {%- endfor %}
        cast(record_totals.record_count as {{ dbt.type_int() }}) as record_count,
        cast(coalesce(contact_totals.contact_count, 0) as {{ dbt.type_int() }}) as contact_count,
        record_totals.first_seen_at,
        record_totals.last_seen_at

    from record_totals

    left join golden_attributes on record_totals.account_id = golden_attributes.account_id

    left join domains
        on record_totals.account_id = domains.account_id
        and domains.preference = 1

    left join contact_totals on record_totals.account_id = contact_totals.account_id
    {%- for group in groups %}

    left join {{ ref(group.model) }} as {{ group.model }}
        on record_totals.account_id = {{ group.model }}.account_id
    {%- endfor %}

)

select * from accounts
