{#- Query: each record's keys under each blocking rule that its values allow, with how many records share the key. -#}
{% macro matching_blocks(records, words) -%}
{%- set settings = headwater.matching_settings() -%}
with

-- Texts meet by a rare word, or by two that are rare together.
words_ranked as (

    select
        entity,
        record_key,
        kind,
        word,
        row_number() over (
            partition by entity, record_key, kind
            order by weight desc nulls last, word asc nulls last
        ) as place

    from {{ words }}

),

keyed as (

    {% for entity in settings.entities -%}
    {%- set outer = loop -%}
    {%- for rule in entity.rules -%}
    {%- set words_of, _, ending = rule[0].partition(':') -%}
    {%- if ending == 'words' -%}
    select
        entity,
        record_key,
        {{ headwater.string_literal(rule | join(' + ')) }} as rule,
        {{ loop.index0 }} as rule_number,
        substr(word, 1, 6) as block_key

    from {{ words }}

    where
        entity = {{ headwater.string_literal(entity.name) }}
        and kind = {{ headwater.string_literal(words_of) }}

    group by entity, record_key, substr(word, 1, 6)
    {%- elif ending == 'pairs' -%}
    select
        one_words.entity,
        one_words.record_key,
        {{ headwater.string_literal(rule | join(' + ')) }} as rule,
        {{ loop.index0 }} as rule_number,
        {{ dbt.concat(["substr(one_words.word, 1, 6)", "'|'", "substr(other_words.word, 1, 6)"]) }} as block_key

    from words_ranked as one_words

    inner join words_ranked as other_words
        on one_words.entity = other_words.entity
        and one_words.record_key = other_words.record_key
        and one_words.kind = other_words.kind
        and one_words.word < other_words.word

    where
        one_words.entity = {{ headwater.string_literal(entity.name) }}
        and one_words.kind = {{ headwater.string_literal(words_of) }}
        and one_words.place <= 5
        and other_words.place <= 5

    group by one_words.entity, one_words.record_key, substr(one_words.word, 1, 6), substr(other_words.word, 1, 6)
    {%- else -%}
    {%- set parts = headwater._matching_parts(rule) -%}
    select
        entity,
        record_key,
        {{ headwater.string_literal(rule | join(' + ')) }} as rule,
        {{ loop.index0 }} as rule_number,
        {{ dbt.concat(parts) if parts | length > 1 else parts[0] }} as block_key

    from {{ records }}

    where
        entity = {{ headwater.string_literal(entity.name) }}
        {%- for kind in headwater.matching_rule_kinds(rule) %}
        and {{ kind }} is not null
        {%- endfor %}
    {%- endif %}

    {{ "union all" if not (outer.last and loop.last) }}

    {% endfor %}
    {%- endfor %}
),

counted as (

    select
        entity,
        record_key,
        rule,
        rule_number,
        block_key,
        count(*) over (partition by entity, rule_number, block_key) as record_count

    from keyed

)

select * from counted
{%- endmacro %}

{% macro _matching_parts(rule) -%}
    {%- set parts = [] -%}
    {%- for part in rule -%}
        {%- if not loop.first -%}{%- do parts.append("'|'") -%}{%- endif -%}
        {%- set kinds = headwater.matching_rule_kinds([part]) -%}
        {%- if kinds | length == 2 -%}
            {%- set either = dbt.concat(["least(" ~ kinds | join(", ") ~ ")", "'~'", "greatest(" ~ kinds | join(", ") ~ ")"]) -%}
            {%- do parts.append(either) -%}
        {%- elif part.split(':')[1:] in [['area'], ['shifted']] -%}
            {%- do parts.append(headwater._matching_square(kinds[0], 0 if part.split(':')[1] == 'area' else 0.5)) -%}
        {%- elif ':' in part -%}
            {%- do parts.append("substr(" ~ kinds[0] ~ ", 1, " ~ part.split(':')[1] ~ ")") -%}
        {%- else -%}
            {%- do parts.append(part) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts) }}
{%- endmacro %}

{#- Expression: the square of a hundredth of a degree (a kilometre) that a prepared place lies in, of a map that is moved by `shift` squares. -#}
{% macro _matching_square(place, shift) -%}
    {%- set sides = [] -%}
    {%- for part in [1, 2] -%}
        {%- do sides.append("cast(cast(floor(" ~ headwater._degrees(place, part) ~ " * 100 + " ~ shift ~ ") as " ~ dbt.type_bigint() ~ ") as " ~ dbt.type_string() ~ ")") -%}
    {%- endfor -%}
    {{ return(dbt.concat([sides[0], "'/'", sides[1]])) }}
{%- endmacro %}
