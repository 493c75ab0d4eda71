{#- Relation-shaped query: every value that every source gives for every attribute of an entity; nulls are no values, nor is what cannot be read as the
    attribute's type, which is counted (count_unread).
    Columns: record_key, source_name, attribute, value (text), identifier_type and identifier_value (null unless the
    attribute must be an identifier of its owner), source_rank. Each source is read once. -#}
{% macro survivorship_values(entity) -%}
{%- do headwater.ref_records() -%}
{#- Which attributes there are is known when this runs; that what cannot be read of them is counted is told before. -#}
{%- if not execute -%}{%- do headwater.counted_read('attributes', 'attributes') -%}{%- endif -%}
{%- set survivorship = headwater.survivorship_rules(entity) -%}
{%- set identity = headwater.identity_rules() | selectattr('name', 'equalto', entity) | first -%}
{%- set string = dbt.type_string() -%}
with

{%- set sources = [] %}
{% for source in survivorship.sources -%}
{%- set attributes = [] -%}
{%- for attribute in survivorship.attributes if source.source_name in attribute.ranks -%}
    {%- do attributes.append(attribute) -%}
{%- endfor -%}
{%- if attributes -%}
{%- do sources.append(source) -%}
{{ source.source_name }} as (

    select
        {{ dbt.concat([headwater.string_literal(source.source_name ~ ':'), 'cast(' ~ source.record_key ~ ' as ' ~ string ~ ')']) }} as record_key,
        {%- for attribute in attributes %}
        {{ headwater.attribute_read(source, attribute) }} as {{ attribute.name }}{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ headwater.model_ref(source.model) }}
    {%- if source.merged_into %}

    where {{ headwater.record_merged_into(source) }} is null
    {%- endif %}

),

{{ source.source_name }}_attributes as (
    {% for attribute in attributes %}
    select
        {{ headwater.string_literal(attribute.name) }} as attribute,
        cast({{ headwater.string_literal(attribute.identifier) if attribute.identifier else 'null' }} as {{ string }}) as identifier_type,
        {{ attribute.ranks[source.source_name] }} as source_rank
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{{ source.source_name }}_values as (

    select
        record_key,
        attribute,
        identifier_type,
        source_rank,
        case attribute
            {%- for attribute in attributes %}
            when {{ headwater.string_literal(attribute.name) }} then cast({{ attribute.name }} as {{ string }})
            {%- endfor %}
        end as value,
        case identifier_type
            {%- for attribute in attributes if attribute.identifier %}
            when {{ headwater.string_literal(attribute.identifier) }} then {{ headwater.identity_value({'column': attribute.name}, identity, attribute.identifier) }}
            {%- else %}
            when '' then cast(null as {{ string }})
            {%- endfor %}
        end as identifier_value

    from {{ source.source_name }}

    cross join {{ source.source_name }}_attributes

),

{% endif -%}
{% endfor -%}
attribute_values as (
    {% for source in sources %}
    select
        record_key,
        {{ headwater.string_literal(source.source_name) }} as source_name,
        attribute,
        value,
        identifier_type,
        identifier_value,
        source_rank

    from {{ source.source_name }}_values

    where value is not null

    union all
    {% endfor %}
    -- Nothing: what an entity without attributes has.
    select
        cast(null as {{ string }}) as record_key,
        cast(null as {{ string }}) as source_name,
        cast(null as {{ string }}) as attribute,
        cast(null as {{ string }}) as value,
        cast(null as {{ string }}) as identifier_type,
        cast(null as {{ string }}) as identifier_value,
        0 as source_rank

    from (select 1 as one) as nothing

    where one = 0

)

select * from attribute_values
{%- endmacro %}
