{#- Query: each pair with its pattern (a character a kind: a level's number, or '-' where a value is missing) and
    `frequency_weight`, the bits that exact agreement gains from how rare the agreed values are; `kin_weight`, how many of them two people of one
    household gain as well. -#}
{% macro matching_comparisons(pairs, records, words) -%}
{%- set kinds = headwater.matching_kinds() -%}
{%- set word_kinds = headwater.matching_word_kinds() -%}
with
{% if word_kinds %}
likened as (

    select
        pairs.entity,
        pairs.left_record_key,
        pairs.right_record_key,
        {%- for kind in word_kinds %}
        100 * sum(case when left_words.kind = {{ headwater.string_literal(kind) }} then left_words.weight * right_words.weight else 0 end)
            as {{ kind }}_words{{ "," if not loop.last }}
        {%- endfor %}

    from {{ pairs }} as pairs

    inner join {{ words }} as left_words
        on pairs.entity = left_words.entity
        and pairs.left_record_key = left_words.record_key

    inner join {{ words }} as right_words
        on pairs.entity = right_words.entity
        and pairs.right_record_key = right_words.record_key
        and left_words.kind = right_words.kind
        and left_words.word = right_words.word

    group by 1, 2, 3

),
{% endif %}
compared as (

    select
        pairs.entity,
        pairs.left_record_key,
        pairs.right_record_key,
        pairs.rule_mask,
        {{ dbt.concat(['least(left_records.source_name, right_records.source_name)', "'|'", 'greatest(left_records.source_name, right_records.source_name)']) }} as sources,
        {%- for kind, how in kinds.items() %}
        {{ headwater._matching_level(kind, how, word_kinds) }} as {{ kind }}_level,
        {%- endfor %}
        {%- for kind in kinds %}
        left_records.{{ kind }}_frequency as {{ kind }}_frequency{{ "," if not loop.last }}
        {%- endfor %}

    from {{ pairs }} as pairs

    inner join {{ records }} as left_records
        on pairs.entity = left_records.entity
        and pairs.left_record_key = left_records.record_key

    inner join {{ records }} as right_records
        on pairs.entity = right_records.entity
        and pairs.right_record_key = right_records.record_key
    {%- if word_kinds %}

    left join likened
        on pairs.entity = likened.entity
        and pairs.left_record_key = likened.left_record_key
        and pairs.right_record_key = likened.right_record_key
    {%- endif %}

    where
        not (
            left_records.is_deduplicated
            and left_records.source_name = right_records.source_name
        )

),

patterned as (

    select
        entity,
        left_record_key,
        right_record_key,
        rule_mask,
        sources,
        {%- set levels = [] -%}
        {%- for kind in kinds -%}{%- do levels.append(kind ~ "_level") -%}{%- endfor %}
        {{ dbt.concat(levels) }} as pattern,
        {{ headwater._frequency_bits(kinds, is_shared=false) }} as frequency_weight,
        {{ headwater._frequency_bits(kinds, is_shared=true) }} as shared_frequency_weight,
        {{ headwater._kin_bits(kinds) }} as kin_weight,
        {{ headwater._frequency_bits(headwater._identifying_kinds(), is_shared=false) }} as identifying_weight,
        {{ headwater._kin_bits(headwater._identifying_kinds()) }} as identifying_kin_weight

    from compared

)

select * from patterned
{%- endmacro %}

{% macro _frequency_bits(kinds, is_shared) -%}
    {%- set bits = [] -%}
    {%- for kind, how in kinds.items() if how.frequency and (true if how.get('shared', false) else false) == is_shared -%}
        {%- do bits.append("case when " ~ kind ~ "_level = '" ~ (how.levels | length)
            ~ "' then -ln(" ~ kind ~ "_frequency) / ln(2) else 0 end") -%}
    {%- endfor -%}
    {{ return(bits | join('\n        + ')) }}
{%- endmacro %}

{#- Expression: the bits by which two people who live together agree on a rare value more easily than two strangers do. -#}
{% macro _kin_bits(kinds) -%}
    {%- set bits = [] -%}
    {%- for kind, how in kinds.items() if how.kin is defined -%}
        {%- do bits.append("case when " ~ kind ~ "_level = '" ~ (how.levels | length)
            ~ "' then greatest(0, ln(" ~ how.kin ~ " / " ~ kind ~ "_frequency) / ln(2)) else 0 end") -%}
    {%- endfor -%}
    {{ return(bits | join('\n        + ')) }}
{%- endmacro %}

{#- Value: the kinds whose equality alone says that two records are one's. -#}
{% macro _identifying_kinds() -%}
    {%- set identifying = {} -%}
    {%- for kind, how in headwater.matching_kinds().items() if how.get('identifies', false) -%}{%- do identifying.update({kind: how}) -%}{%- endfor -%}
    {{ return(identifying) }}
{%- endmacro %}

{% macro _matching_level(kind, how, word_kinds) -%}
    {%- set l = "left_records." ~ kind -%}
    {%- set r = "right_records." ~ kind -%}
    {%- set lines = ["case when " ~ l ~ " is null or " ~ r ~ " is null then '-'"] -%}
    {%- if how.known_by is defined -%}
        {%- do lines.append("when " ~ headwater._matching_sides(how.known_by, l, r) ~ " then '-'") -%}
    {%- endif -%}
    {%- set in_common = 'coalesce(likened.' ~ kind ~ '_words, 0)' if kind in word_kinds else '0' -%}
    {%- for label, condition in how.levels -%}
        {%- do lines.append("when " ~ headwater._matching_sides(condition.replace('{words}', in_common), l, r) ~ " then '" ~ (how.levels | length - loop.index0) ~ "'") -%}
        {%- if loop.first and how.missing is defined -%}
            {%- do lines.append("when " ~ headwater._matching_sides(how.missing, l, r) ~ " then '-'") -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(lines | join('\n            ') ~ " else '0' end") }}
{%- endmacro %}

{#- Puts the two sides into a condition: {l}, {r}, and {l.kind}, {r.kind} for another kind of the same two records. -#}
{% macro _matching_sides(condition, l, r) -%}
    {%- set sql = condition.replace('{l}', l).replace('{r}', r) -%}
    {{ return(sql.replace('{l.', 'left_records.').replace('{r.', 'right_records.').replace('}', '')) }}
{%- endmacro %}
