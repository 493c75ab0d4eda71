{#- Query: the words of every record's texts, each with its weight: how rare the word is, the squares of a text's weights adding up to 1, so that
    the sum of products over two texts' common words is the share of what they have in common. Texts have sixteen words at most. -#}
{% macro matching_words(records) -%}
{%- set kinds = headwater.matching_word_kinds() -%}
{%- if not kinds -%}
select
    entity,
    record_key,
    cast(null as {{ dbt.type_string() }}) as kind,
    cast(null as {{ dbt.type_string() }}) as word,
    cast(null as {{ dbt.type_float() }}) as weight

from {{ records }}

where 1 = 0
{%- else -%}
with

texts as (
    {% for kind in kinds %}
    select
        entity,
        record_key,
        {{ headwater.string_literal(kind) }} as kind,
        {{ kind }} as words

    from {{ records }}

    where {{ kind }} is not null
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

split as (
    {% for place in range(1, 17) %}
    select
        entity,
        record_key,
        kind,
        {{ dbt.split_part('words', "' '", place) }} as word

    from texts
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

words as (

    select
        entity,
        record_key,
        kind,
        word

    from split

    where word is not null and word <> ''

    group by entity, record_key, kind, word

),

sizes as (

    select
        entity,
        kind,
        count(*) as text_count

    from texts

    group by entity, kind

),

counted as (

    select
        words.entity,
        words.record_key,
        words.kind,
        words.word,
        ln((1.0 + sizes.text_count) / count(*) over (partition by words.entity, words.kind, words.word)) as rarity

    from words

    inner join sizes
        on words.entity = sizes.entity
        and words.kind = sizes.kind

),

weighted as (

    select
        entity,
        record_key,
        kind,
        word,
        rarity / nullif(sqrt(sum(rarity * rarity) over (partition by entity, record_key, kind)), 0) as weight

    from counted

)

select * from weighted
{%- endif -%}
{%- endmacro %}

{#- Value: the kinds that are compared by their words and of which a record that takes part has a column. -#}
{% macro matching_word_kinds() -%}
    {%- set names = ['text'] -%}
    {%- for name, told in headwater.matching_declared_kinds().items() if told.compared_as == 'words' -%}{%- do names.append(name) -%}{%- endfor -%}
    {%- set found = [] -%}
    {%- for name in names -%}
        {%- for entity in headwater.matching_settings().entities -%}
            {%- for record in entity.records if name in record.columns and name not in found -%}{%- do found.append(name) -%}{%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: in how many records' texts a word may stand, by its first letters, to find candidates by. -#}
{% macro matching_most_texts() -%}
    {{ return(50) }}
{%- endmacro %}
