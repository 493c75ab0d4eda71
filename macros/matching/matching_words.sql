{#- Query: the words of every record's text, each with its weight: how rare the word is, the squares of a record's weights adding up to 1, so that
    the sum of products over two records' common words is the share of what they have in common. Texts have sixteen words at most. -#}
{% macro matching_words(records) -%}
{%- if not headwater.matching_has_text() -%}
select
    entity,
    record_key,
    cast(null as {{ dbt.type_string() }}) as word,
    cast(null as {{ dbt.type_float() }}) as weight

from {{ records }}

where 1 = 0
{%- else -%}
with

texts as (

    select
        entity,
        record_key,
        text

    from {{ records }}

    where text is not null

),

split as (
    {% for place in range(1, 17) %}
    select
        entity,
        record_key,
        {{ dbt.split_part('text', "' '", place) }} as word

    from texts
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

words as (

    select
        entity,
        record_key,
        word

    from split

    where word is not null and word <> ''

    group by entity, record_key, word

),

sizes as (

    select
        entity,
        count(*) as text_count

    from texts

    group by entity

),

counted as (

    select
        words.entity,
        words.record_key,
        words.word,
        ln((1.0 + sizes.text_count) / count(*) over (partition by words.entity, words.word)) as rarity

    from words

    inner join sizes on words.entity = sizes.entity

),

weighted as (

    select
        entity,
        record_key,
        word,
        rarity / nullif(sqrt(sum(rarity * rarity) over (partition by entity, record_key)), 0) as weight

    from counted

)

select * from weighted
{%- endif -%}
{%- endmacro %}

{#- Value: whether any record that takes part has a column of the kind text. -#}
{% macro matching_has_text() -%}
    {%- set found = [] -%}
    {%- for entity in headwater.matching_settings().entities -%}
        {%- for record in entity.records if 'text' in record.columns -%}{%- do found.append(1) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(found | length > 0) }}
{%- endmacro %}

{#- Value: in how many records' texts a word may stand, by its first letters, to find candidates by. -#}
{% macro matching_most_texts() -%}
    {{ return(50) }}
{%- endmacro %}
