{#- Query: the records that take part, one row each: entity, record_key, source_name, and per kind its prepared value and
    `<kind>_frequency`, the share of the entity's records with a value that have this one: of others, since two that share a value would
    otherwise count as evidence against themselves. -#}
{% macro matching_records() -%}
{%- do headwater.ref_records() -%}
{%- set settings = headwater.matching_settings() -%}
{%- set kinds = headwater.matching_kinds() -%}
with

{% for entity in settings.entities -%}
{% for record in entity.records -%}
{{ entity.name }}__{{ record.source_name }} as (

    select
        {{ headwater.string_literal(entity.name) }} as entity,
        {{ dbt.concat([headwater.string_literal(record.source_name ~ ':'), "cast(" ~ record.record_key ~ " as " ~ dbt.type_string() ~ ")"]) }} as record_key,
        {{ headwater.string_literal(record.source_name) }} as source_name,
        {{ (record.get('deduplicated', false) | as_bool) | lower }} as is_deduplicated,
        {%- for kind, how in kinds.items() %}
        {{ headwater._matching_value(kind, how, record.columns) }} as {{ kind }}{{ "," if not loop.last }}
        {%- endfor %}

    from {{ headwater.model_ref(record.model) }}

    where {{ record.record_key }} is not null

),

{% endfor %}
{%- endfor -%}
unioned as (

    {% for entity in settings.entities -%}
    {%- set outer = loop -%}
    {%- for record in entity.records -%}
    select * from {{ entity.name }}__{{ record.source_name }}
    {{ "union all" if not (outer.last and loop.last) }}
    {% endfor %}
    {%- endfor %}
),

-- Who is erased, deleted or merged away at its source is likened to nobody.
living as (

    select unioned.*

    from unioned

    inner join {{ ref('headwater', 'identity_records') }} as records
        on unioned.entity = records.entity
        and unioned.record_key = records.record_key

    where records.survivor_key is null

),

with_frequencies as (

    select
        entity,
        record_key,
        source_name,
        is_deduplicated,
        {%- for kind in kinds %}
        {{ kind }},
        {%- endfor %}
        {%- for kind in kinds %}
        greatest(0.5, count(*) over (partition by entity, {{ kind }}) - 1)
        / nullif(count({{ kind }}) over (partition by entity), 0) as {{ kind }}_frequency{{ "," if not loop.last }}
        {%- endfor %}

    from living

)

select * from with_frequencies
{%- endmacro %}

{#- Expression: a column as its kind compares it. Edits are counted letter by letter, so that of what nobody is called the beginning does; a
    text is compared by its words. -#}
{% macro _prepared(how, column) -%}
    {%- set value = how.prepare.replace('{x}', column) -%}
    {{ return(value if how.get('is_words', false) else 'substr(' ~ value ~ ', 1, 200)') }}
{%- endmacro %}

{% macro _matching_value(kind, how, columns) -%}
    {%- if kind in columns -%}
        {{ return(headwater._prepared(how, columns[kind])) }}
    {%- elif kind == 'first_name' and 'full_name' in columns -%}
        {{ return('substr(' ~ headwater.regexp_replace_all(headwater._prepared_text(columns.full_name), ' .*$', '') ~ ', 1, 200)') }}
    {%- elif kind == 'last_name' and 'full_name' in columns -%}
        {{ return('substr(' ~ headwater.regexp_replace_all(headwater._prepared_text(columns.full_name), '^.* ', '') ~ ', 1, 200)') }}
    {%- endif -%}
    {{ return("cast(null as " ~ dbt.type_string() ~ ")") }}
{%- endmacro %}
