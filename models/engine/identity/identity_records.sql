{%- do headwater.ref_records() -%}
{#- Which identifiers have a normaliser is known when this runs; that what it cannot read is counted is told before. -#}
{%- if not execute -%}{%- do headwater.counted_read('identifiers', 'identifiers') -%}{%- endif -%}
{%- set entities = headwater.identity_rules() -%}
{%- set types = headwater.identity_types(entities) -%}
{%- set attributes = headwater.identity_attributes(entities) -%}
{%- set disposable_types = headwater.identity_disposable_types(entities) -%}
{%- set merging = [] -%}
{%- for entity in entities -%}
{%- for source in entity.records if source.merged_into -%}{%- do merging.append(source.source_name) -%}{%- endfor -%}
{%- endfor -%}
with

{% for entity in entities %}
{%- for source in entity.records %}
{{ entity.name }}__{{ source.source_name }} as (

    select
        {{ headwater.string_literal(entity.name) }} as entity,
        {{ headwater.string_literal(source.source_name) }} as source_name,
        cast({{ source.record_key }} as {{ dbt.type_string() }}) as source_record_id,
        {{ headwater.record_merged_into(source) }} as merged_into,
        {%- for type in types %}
        {%- set value = headwater.identity_value(source.identifiers.get(type), entity, type) %}
        {%- if source.merged_into and (source.identifiers.get(type) or {}).get('column') != source.record_key %}
        {#- What a record said before it was merged away is no evidence any more; its own key is, which others still name. #}
        case when {{ headwater.record_merged_into(source) }} is null then {{ value }} end as {{ type }}_value,
        {%- else %}
        {{ value }} as {{ type }}_value,
        {%- endif %}
        {%- endfor %}
        {%- for type in disposable_types %}
        {{ headwater.identity_disposable_when(source.identifiers.get(type)) }} as {{ type }}_disposable,
        {%- endfor %}
        {%- for attribute in attributes %}
        {%- set value = headwater.identity_attribute_value(attribute, entity, source) %}
        {%- if source.merged_into %}
        case when {{ headwater.record_merged_into(source) }} is null then {{ value }} end as {{ attribute.name }}_attribute,
        {%- else %}
        {{ value }} as {{ attribute.name }}_attribute,
        {%- endif %}
        {%- endfor %}
        {{ source.needs_identifier | lower }} as needs_identifier,
        {{ headwater._seen_at(source.first_seen_at) }} as first_seen_at,
        {{ headwater._seen_at(source.last_seen_at or source.first_seen_at) }} as last_seen_at

    from {{ ref(source.model) }}

    where {{ headwater.record_is_kept(source) }}

),
{% endfor %}
{%- endfor %}
unioned as (

    {% for entity in entities -%}
    {%- for source in entity.records -%}
    select * from {{ entity.name }}__{{ source.source_name }}

    union all

    {% endfor %}
    {%- endfor -%}
    -- Nobody: what a project without records has.
    select
        cast(null as {{ dbt.type_string() }}) as entity,
        cast(null as {{ dbt.type_string() }}) as source_name,
        cast(null as {{ dbt.type_string() }}) as source_record_id,
        cast(null as {{ dbt.type_string() }}) as merged_into,
        {%- for type in types %}
        cast(null as {{ dbt.type_string() }}) as {{ type }}_value,
        {%- endfor %}
        {%- for type in disposable_types %}
        cast(null as {{ dbt.type_boolean() }}) as {{ type }}_disposable,
        {%- endfor %}
        {%- for attribute in attributes %}
        cast(null as {{ dbt.type_string() }}) as {{ attribute.name }}_attribute,
        {%- endfor %}
        false as needs_identifier,
        cast(null as {{ dbt.type_timestamp() }}) as first_seen_at,
        cast(null as {{ dbt.type_timestamp() }}) as last_seen_at

    from (select 1 as one) as nobody

    where one = 0

),

keyed as (

    select
        entity,
        {{ dbt.concat(["source_name", "':'", "source_record_id"]) }} as record_key,
        {{ headwater.node_key(dbt.concat(["entity", "'|'", "source_name", "':'", "source_record_id"])) }} as record_node,
        source_name,
        source_record_id,
        case when merged_into is not null then {{ dbt.concat(["source_name", "':'", "merged_into"]) }} end as merged_key,
        {%- for type in types %}
        {{ type }}_value,
        {%- endfor %}
        {%- for type in disposable_types %}
        {{ type }}_disposable,
        {%- endfor %}
        {%- for attribute in attributes %}
        {{ attribute.name }}_attribute,
        {%- endfor %}
        needs_identifier,
        first_seen_at,
        last_seen_at

    from unioned

),

{% if merging -%}
merged as (

    select
        entity,
        record_key,
        merged_key

    from keyed

    where merged_key is not null

),

-- Whom a record that was merged away is now: a merge of a merge is followed, each time twice as far (64 at last).
{% for round in range(1, 7) -%}
merges_followed_{{ round }} as (

    select
        nearer.entity,
        nearer.record_key,
        coalesce(farther.merged_key, nearer.merged_key) as merged_key

    from {{ 'merged' if loop.first else 'merges_followed_' ~ (round - 1) }} as nearer

    left join {{ 'merged' if loop.first else 'merges_followed_' ~ (round - 1) }} as farther
        on nearer.entity = farther.entity
        and nearer.merged_key = farther.record_key

),

{% endfor -%}
-- One that leads to no record that lives, or round in a circle, is gone.
survivors as (

    select
        merges_followed_6.entity,
        merges_followed_6.record_key,
        merges_followed_6.merged_key as survivor_key

    from merges_followed_6

    inner join keyed
        on merges_followed_6.entity = keyed.entity
        and merges_followed_6.merged_key = keyed.record_key

    where keyed.merged_key is null

),

{% endif -%}
types as (

    {% for entity in entities if entity.name == 'person' -%}
    {%- for rule in entity.identifiers -%}
    select {{ headwater.string_literal(rule.type) }} as identifier_type

    union all

    {% endfor -%}
    {%- endfor -%}
    select 'record' as identifier_type

),

-- Whatever a person's record says of itself, its own key included.
told as (

    select
        keyed.record_key,
        keyed.source_record_id,
        types.identifier_type,
        case types.identifier_type
            when 'record' then keyed.record_key
            {%- for entity in entities if entity.name == 'person' %}
            {%- for rule in entity.identifiers %}
            when {{ headwater.string_literal(rule.type) }}
                then {{ 'lower(trim(keyed.email_value))' if rule.type == 'email' else 'keyed.' ~ rule.type ~ '_value' }}
            {%- endfor %}
            {%- endfor %}
        end as identifier_value

    from keyed

    cross join types

    where keyed.entity = 'person'

),

-- A record of somebody who is erased is nobody's, and no company's contact either, nor is one that was merged into it (docs/consent.md).
erased as (

    select distinct told.record_key

    from told

    inner join {{ headwater.erased_values('told') }} as erased_values
        on told.identifier_type = erased_values.identifier_type
        and told.identifier_value = erased_values.identifier_value

    -- What stands for nothing is nobody's, also where somebody asked for it before any record had it.
    where
        told.identifier_type = 'record'
        or told.identifier_value = told.source_record_id
        or not ({{ headwater.stands_for_nothing('told', entities) }})

),

kept as (

    select
        keyed.*,
        {{ 'survivors.survivor_key' if merging else 'keyed.merged_key' }} as survivor_key

    from keyed

    left join erased on keyed.record_key = erased.record_key
    {%- if merging %}

    left join survivors
        on keyed.entity = survivors.entity
        and keyed.record_key = survivors.record_key

    left join erased as erased_survivors on survivors.survivor_key = erased_survivors.record_key
    {%- endif %}

    where
        erased.record_key is null
        {%- if merging %}
        and erased_survivors.record_key is null
        {%- endif %}
        and {{ '(keyed.merged_key is null or survivors.survivor_key is not null)' if merging else 'keyed.merged_key is null' }}

)

select * from kept
