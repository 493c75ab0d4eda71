{%- set attributes = headwater.survivorship_rules('person').attributes -%}
{%- set groups = headwater.trait_groups('traits') -%}
with

profile_records as (

    select
        profile_id,
        count(*) as record_count,
        count(distinct source_name) as source_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from {{ ref('profile_records') }}

    group by profile_id

),

identity_confidence as (

    select
        entity_id,
        joined_by

    from {{ ref('identity_confidence') }}

    where entity = 'person'

),

profile_attributes as (

    select
        profile_id,
        attribute,
        value,
        source_name

    from {{ ref('profile_attributes') }}

),

golden_attributes as (

    select
        profile_id,
        {{ headwater.survivorship_columns('person') | indent(8) }}

    from profile_attributes

    group by profile_id

),

profiles as (

    select
        profile_records.profile_id,
        {%- for attribute in attributes %}
        golden_attributes.{{ attribute.name }},
        {%- endfor %}
        {%- for attribute in attributes %}
        golden_attributes.{{ attribute.name }}_source,
        {%- endfor %}
        {%- for group in groups %}
        {%- for column in group.columns %}
        {{ group.model }}.{{ column }},
        {%- endfor %}
        {%- endfor %}
        identity_confidence.joined_by,
        cast(profile_records.record_count as {{ dbt.type_int() }}) as record_count,
        cast(profile_records.source_count as {{ dbt.type_int() }}) as source_count,
        profile_records.first_seen_at,
        profile_records.last_seen_at

    from profile_records

    left join identity_confidence on profile_records.profile_id = identity_confidence.entity_id

    left join golden_attributes on profile_records.profile_id = golden_attributes.profile_id
    {%- for group in groups %}

    left join {{ ref(group.model) }} as {{ group.model }}
        on profile_records.profile_id = {{ group.model }}.profile_id
    {%- endfor %}

)

select * from profiles
