-- Two spellings of one address or number would be two people: whatever a source's model forgets shows here, by model and column.
{%- set patterns = {'email': '[^@ ]+@[^@ ]+[.][^@ .]+', 'phone': '[+][1-9][0-9]{6,14}'} -%}
{%- set entities = headwater.identity_rules() -%}
{%- set types = headwater.identity_types(entities) -%}
{%- set said = [] -%}
{%- for entity in entities -%}
    {%- for source in entity.records -%}
        {%- for type, column in source.identifiers.items() if type in patterns and type in types -%}
            {%- do said.append([entity.name, source.source_name, type, source.model, column.column]) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endfor -%}
{%- set query %}
with

not_normalised as (

    {% for type in types if type in patterns -%}
    select
        entity,
        source_name,
        {{ headwater.string_literal(type) }} as identifier_type

    from {{ ref('identity_records') }}

    where
        not {{ headwater.regexp_matches_whole(type ~ '_value', patterns[type]) }}
        {%- if type == 'email' %}
        or email_value <> lower(trim(email_value))
        {%- endif %}

    union all

    {% endfor -%}
    select
        entity,
        source_name,
        source_name as identifier_type

    from {{ ref('identity_records') }}

    where 1 = 0

),

columns_of_models as (

    {% for one in said -%}
    select
        {{ headwater.string_literal(one[0]) }} as entity,
        {{ headwater.string_literal(one[1]) }} as source_name,
        {{ headwater.string_literal(one[2]) }} as identifier_type,
        {{ headwater.string_literal(one[3]) }} as model_name,
        {{ headwater.string_literal(one[4]) }} as column_name

    union all

    {% endfor -%}
    select
        entity,
        source_name,
        identifier_type,
        source_name as model_name,
        source_name as column_name

    from not_normalised

    where 1 = 0

)

select
    columns_of_models.model_name,
    columns_of_models.column_name,
    not_normalised.identifier_type,
    count(*) as value_count

from not_normalised

left join columns_of_models
    on
        not_normalised.entity = columns_of_models.entity
        and not_normalised.source_name = columns_of_models.source_name
        and not_normalised.identifier_type = columns_of_models.identifier_type

group by
    columns_of_models.model_name,
    columns_of_models.column_name,
    not_normalised.identifier_type

order by
    columns_of_models.model_name,
    columns_of_models.column_name
{% endset -%}
{#- dbt would say how many columns these are, and of what model not. -#}
{%- if execute and flags.WHICH in ['build', 'test', 'retry'] -%}
    {%- set found = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do found.append(
            row[0] ~ ', column ' ~ row[1] ~ ': ' ~ row[3] ~ ' values are no normalised ' ~ row[2] ~ '; write headwater.normalise_' ~ row[2]
            ~ '(...) in the model'
        ) -%}
    {%- endfor -%}
    {%- if found -%}
        {{ exceptions.raise_compiler_error(
            'Identifiers leave staging as they were typed, and two spellings of one would be two people: ' ~ found | join('. ') ~ '.'
        ) }}
    {%- endif -%}
{%- endif -%}
{{ query }}
