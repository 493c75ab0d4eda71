{%- set entities = headwater.identity_rules() -%}
{%- set types = headwater.identity_domain_types(entities) -%}
{%- set text = dbt.type_string() -%}
{%- if not types -%}
select
    cast(null as {{ text }}) as host,
    cast(null as {{ text }}) as domain,
    false as is_shared

from (select 1 as one) as nothing

where one = 0
{%- else -%}
with

written as (
    {% for type in types %}
    select {{ type }}_value as host
    from {{ ref('identity_records') }}
    where {{ type }}_value is not null
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

hosts as (

    select host
    from written
    group by host

),

public_suffixes as (

    select suffix
    from {{ ref('public_suffixes') }}
    group by suffix

),

-- Where many firms or people have an address: a host with all below it, or a family such as yahoo.*
shared_hosts as (

    select lower(domain) as domain
    from {{ ref('shared_hosts') }}
    where domain is not null
    union all
    select lower(domain) as domain
    from {{ ref('free_mail_domains') }}
    where domain is not null
    {% for entity in entities %}
    {%- for rule in entity.identifiers if rule.kind == 'domain' %}
    {%- for model in rule.blocked_models %}
    union all
    select lower({{ model.column }}) as domain
    from {{ ref(model.model) }}
    where {{ model.column }} is not null
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}

),

shared as (

    select domain
    from shared_hosts
    group by domain

),

counted as (

    select
        host,
        length({{ headwater.regexp_replace_all('host', '[^.]', '') }}) + 1 as label_count

    from hosts

),

ends as (

    select
        host,
        label_count,
        {{ dbt.split_part('host', "'.'", -1) }} as end_1,
        case when label_count >= 2 then {{ dbt.concat([dbt.split_part('host', "'.'", -2), "'.'", dbt.split_part('host', "'.'", -1)]) }} end as end_2,
        case when label_count >= 3 then {{ dbt.concat([
            dbt.split_part('host', "'.'", -3), "'.'", dbt.split_part('host', "'.'", -2), "'.'", dbt.split_part('host', "'.'", -1)
        ]) }} end as end_3,
        case when label_count >= 4 then {{ dbt.concat([
            dbt.split_part('host', "'.'", -4), "'.'", dbt.split_part('host', "'.'", -3), "'.'",
            dbt.split_part('host', "'.'", -2), "'.'", dbt.split_part('host', "'.'", -1)
        ]) }} end as end_4

    from counted

),

-- What is registered is one label more than the longest public suffix.
registered as (

    select
        ends.host,
        ends.end_2,
        ends.end_3,
        ends.end_4,
        case
            when suffixes_3.suffix is not null or any_below_2.suffix is not null and ends.end_3 is not null then ends.end_4
            when suffixes_2.suffix is not null or any_below_1.suffix is not null then ends.end_3
            else ends.end_2
        end as domain

    from ends

    left join public_suffixes as suffixes_3 on ends.end_3 = suffixes_3.suffix

    left join public_suffixes as any_below_2 on {{ dbt.concat(["'*.'", "ends.end_2"]) }} = any_below_2.suffix

    left join public_suffixes as suffixes_2 on ends.end_2 = suffixes_2.suffix

    left join public_suffixes as any_below_1 on {{ dbt.concat(["'*.'", "ends.end_1"]) }} = any_below_1.suffix

),

decided as (

    select
        registered.host,
        coalesce(
            shared_4.domain, shared_3.domain, shared_2.domain, registered.domain, registered.host
        ) as domain,
        coalesce(
            shared_host.domain, shared_4.domain, shared_3.domain, shared_2.domain, families.domain
        ) is not null
        or registered.domain is null as is_shared

    from registered

    left join shared as shared_host on registered.host = shared_host.domain

    left join shared as shared_4 on registered.end_4 = shared_4.domain

    left join shared as shared_3 on registered.end_3 = shared_3.domain

    left join shared as shared_2 on registered.end_2 = shared_2.domain

    left join shared as families
        on {{ dbt.concat([dbt.split_part('registered.domain', "'.'", 1), "'.*'"]) }} = families.domain

)

select * from decided
{%- endif %}
