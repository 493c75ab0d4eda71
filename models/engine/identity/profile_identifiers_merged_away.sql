{{ config(materialized='view') }}
{%- do headwater.ref_records() -%}
{%- set string = dbt.type_string() -%}
{%- set entities = headwater.identity_rules() | selectattr('name', 'equalto', 'person') | list -%}
{%- set everywhere = headwater.setting('cdp_identity_blocked_values') -%}
{%- set said = [] -%}
{#- What is nobody's: placeholders, and what a pattern blocks. -#}
{%- set nobodys = [headwater.stands_for_nothing('told', entities)] -%}
{%- for pattern in everywhere.get('patterns', []) -%}
{%- do nobodys.append(headwater.regexp_matches_whole('told.identifier_value', pattern)) -%}
{%- endfor -%}
{%- for entity in entities -%}
{%- for rule in entity.identifiers -%}
{%- for pattern in rule.blocked_patterns -%}
{%- do nobodys.append(
    'told.identifier_type = ' ~ headwater.string_literal(rule.type) ~ ' and ' ~ headwater.regexp_matches_whole('told.identifier_value', pattern)
) -%}
{%- endfor -%}
{%- endfor -%}
{%- endfor -%}
with

{% for entity in entities -%}
{%- for source in entity.records if source.merged_into -%}
{{ source.source_name }} as (

    select
        {%- for rule in entity.identifiers if source.identifiers.get(rule.type) %}
        {%- do said.append({'source': source.source_name, 'type': rule.type}) %}
        {{ headwater.identity_value(source.identifiers.get(rule.type), entity, rule.type) }} as {{ rule.type }}_value,
        {%- endfor %}
        {{ dbt.concat([headwater.string_literal(source.source_name ~ ':'), 'cast(' ~ source.record_key ~ ' as ' ~ string ~ ')']) }} as record_key

    from {{ ref(source.model) }}

    where {{ headwater.record_merged_into(source) }} is not null

),

{% endfor -%}
{%- endfor -%}
told as (

    {% for one in said -%}
    select
        record_key,
        {{ headwater.string_literal(one.type) }} as identifier_type,
        {{ 'lower(trim(email_value))' if one.type == 'email' else one.type ~ '_value' }} as identifier_value

    from {{ one.source }}

    union all

    {% endfor -%}
    -- Nothing: what a project has of whose sources none merges rows.
    select
        cast(null as {{ string }}) as record_key,
        cast(null as {{ string }}) as identifier_type,
        cast(null as {{ string }}) as identifier_value

    from (select 1 as one) as nothing

    where one = 0

),

entity_records as (

    select
        record_key,
        entity_id

    from {{ ref('identity_entity_records') }}

    where entity = 'person'

),

blocked_values as (

    select
        identifier_type,
        identifier_value

    from {{ ref('int_identity__values_blocked') }}

    where entity = 'person'

),

-- By what stands for nothing nobody is found, here as among the values that count (int_identity__values_screened).
merged_away as (

    select distinct
        told.identifier_type,
        told.identifier_value,
        entity_records.entity_id as profile_id

    from told

    inner join entity_records on told.record_key = entity_records.record_key

    left join blocked_values
        on told.identifier_type = blocked_values.identifier_type
        and told.identifier_value = blocked_values.identifier_value

    where
        told.identifier_value is not null
        and blocked_values.identifier_value is null
        and not ({{ nobodys | join(' or ') }})

)

select * from merged_away
