{%- set entities = headwater.identity_rules() -%}
{%- set everywhere = headwater.setting('cdp_identity_blocked_values') -%}
with

identifiers as (

    select
        entity,
        record_node,
        value_node,
        identifier_type,
        identifier_value,
        is_expired,
        is_key,
        is_disposable,
        first_seen_at,
        last_seen_at

    from {{ ref('int_identity__identifiers_unpivoted') }}

),

blocked_values as (

    select
        entity,
        identifier_type,
        identifier_value,
        listed_in = 'everywhere' as is_everywhere

    from {{ ref('int_identity__values_blocked') }}

),

{% if headwater.identity_domain_types(entities) -%}
shared_domains as (

    select domain

    from {{ ref('int_identity__domains') }}

    where is_shared

    group by domain

),

{% endif -%}
counted as (

    select
        value_node,
        min(entity) as entity,
        min(identifier_type) as identifier_type,
        min(identifier_value) as identifier_value,
        count(*) as record_count,
        sum(case when is_expired then 0 else 1 end) as live_record_count,
        max(case when is_key then 1 else 0 end) = 1 as is_key,
        -- A guest's id that an account took over is an account's: one record that says so is enough.
        max(case when is_disposable then 1 when not is_disposable then 2 else 0 end) = 1 as is_disposable,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from identifiers

    group by value_node

),

screened as (

    select
        counted.value_node,
        counted.entity,
        counted.identifier_type,
        counted.identifier_value,
        counted.record_count,
        counted.live_record_count,
        counted.is_disposable,
        counted.first_seen_at,
        counted.last_seen_at,
        case
            when
                blocked_values.identifier_value is not null
                and not (counted.is_key and blocked_values.is_everywhere)
                then 'blocked_value'
            when
                not counted.is_key
                and {{ headwater.is_placeholder('counted.identifier_value') }}
                {{- headwater.identity_not_allowed(entities, 'counted.') }}
                then 'placeholder'
            {%- for entity in entities %}
            {%- for rule in entity.identifiers %}
            {%- set of_type %}
                counted.entity = {{ headwater.string_literal(entity.name) }}
                and counted.identifier_type = {{ headwater.string_literal(rule.type) }}
            {%- endset %}
            {%- for pattern in rule.blocked_patterns + everywhere.get('patterns', []) %}
            when {{ of_type }}
                {%- if pattern not in rule.blocked_patterns %}
                and not counted.is_key
                {%- endif %}
                and {{ headwater.regexp_matches_whole('counted.identifier_value', pattern) }}
                then 'blocked_pattern'
            {%- endfor %}
            {%- if rule.kind == 'tax_id' %}
            when {{ of_type }}
                and {{ headwater.is_no_tax_id('counted.identifier_value') }}
                {{- headwater.identity_not_allowed(entities, 'counted.') }}
                then 'placeholder'
            {%- elif rule.kind in ['email', 'phone'] %}
            when {{ of_type }}
                and not counted.is_key
                and {{ headwater.is_no_email('counted.identifier_value') if rule.kind == 'email' else headwater.is_no_phone('counted.identifier_value') }}
                {{- headwater.identity_not_allowed(entities, 'counted.') }}
                then 'placeholder'
            {%- elif rule.kind == 'domain' %}
            when {{ of_type }}
                and shared_domains.domain is not null
                then 'shared_host'
            {%- endif %}
            {%- endfor %}
            {%- endfor %}
            {%- for entity in entities %}
            {%- for rule in entity.identifiers if rule.max_records %}
            when
                counted.entity = {{ headwater.string_literal(entity.name) }}
                and counted.identifier_type = {{ headwater.string_literal(rule.type) }}
                and counted.live_record_count > {{ rule.max_records }}
                then 'too_many_records'
            {%- endfor %}
            {%- endfor %}
        end as dropped_reason

    from counted

    left join blocked_values
        on counted.entity = blocked_values.entity
        and counted.identifier_type = blocked_values.identifier_type
        and counted.identifier_value = blocked_values.identifier_value
    {%- if headwater.identity_domain_types(entities) %}

    left join shared_domains on counted.identifier_value = shared_domains.domain
    {%- endif %}

)

select * from screened
