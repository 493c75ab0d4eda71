{%- do headwater.ref_records() -%}
{%- set entities = headwater.identity_rules() -%}
{%- set types = headwater.identity_types(entities) -%}
{%- set attributes = headwater.identity_attributes(entities) -%}
{%- set disposable_types = headwater.identity_disposable_types(entities) -%}
with

{% for entity in entities %}
{%- for source in entity.records %}
{{ entity.name }}__{{ source.source_name }} as (

    select
        {{ headwater.string_literal(entity.name) }} as entity,
        {{ headwater.string_literal(source.source_name) }} as source_name,
        cast({{ source.record_key }} as {{ dbt.type_string() }}) as source_record_id,
        {%- for type in types %}
        {{ headwater.identity_value(source.identifiers.get(type), entity, type) }} as {{ type }}_value,
        {%- endfor %}
        {%- for type in disposable_types %}
        {{ headwater.identity_disposable_when(source.identifiers.get(type)) }} as {{ type }}_disposable,
        {%- endfor %}
        {%- for attribute in attributes %}
        {{ headwater.identity_attribute_value(attribute, entity, source) }} as {{ attribute.name }}_attribute,
        {%- endfor %}
        {{ source.needs_identifier | lower }} as needs_identifier,
        {{ headwater._seen_at(source.first_seen_at) }} as first_seen_at,
        {{ headwater._seen_at(source.last_seen_at or source.first_seen_at) }} as last_seen_at

    from {{ ref(source.model) }}

    where {{ source.record_key }} is not null

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

-- Whatever a person's record says of itself, its own key included.
told as (

    {% for entity in entities if entity.name == 'person' -%}
    {%- for rule in entity.identifiers -%}
    select
        record_key,
        {{ headwater.string_literal(rule.type) }} as identifier_type,
        {{ 'lower(trim(email_value))' if rule.type == 'email' else rule.type ~ '_value' }} as identifier_value

    from keyed

    where
        entity = 'person'
        and {{ rule.type }}_value is not null

    union all

    {% endfor -%}
    {%- endfor -%}
    select
        record_key,
        'record' as identifier_type,
        record_key as identifier_value

    from keyed

    where entity = 'person'

),

-- A record of somebody who is erased is nobody's, and no company's contact either (docs/consent.md).
erased as (

    select distinct told.record_key

    from told

    inner join {{ headwater.erased_values('told') }} as erased_values
        on told.identifier_type = erased_values.identifier_type
        and told.identifier_value = erased_values.identifier_value

),

kept as (

    select keyed.*

    from keyed

    left join erased on keyed.record_key = erased.record_key

    where erased.record_key is null

)

select * from kept
