-- Rows that their source says it merged, by source, whom no row of it is merged into in the end: one that it does not have, or a circle. They are
-- nobody's (docs/add-a-source.md), which loses people where the table lacks rows. A merge into a row that was deleted is an end as any other.
{{ config(severity='warn') }}
{%- do headwater.ref_records() -%}
{%- set sources = [] -%}
{%- for entity in headwater.identity_rules() -%}
    {%- for source in entity.records if source.merged_into -%}{%- do sources.append(source) -%}{%- endfor -%}
{%- endfor %}
with

{% for source in sources -%}
followed_{{ loop.index }}_0 as (

    select
        cast({{ source.record_key }} as {{ dbt.type_string() }}) as record_key,
        {{ headwater.record_merged_into(source) }} as merged_into

    from {{ headwater.model_ref(source.model) }}

),

{% set of_source = loop.index -%}
{% for round in range(1, 7) -%}
followed_{{ of_source }}_{{ round }} as (

    select
        nearer.record_key,
        coalesce(farther.merged_into, nearer.merged_into) as merged_into

    from followed_{{ of_source }}_{{ round - 1 }} as nearer

    left join followed_{{ of_source }}_{{ round - 1 }} as farther on nearer.merged_into = farther.record_key

),

{% endfor -%}
{% endfor -%}
lost as (

    {% for source in sources -%}
    select
        {{ headwater.string_literal(source.source_name) }} as source_name,
        count(*) as record_count

    from followed_{{ loop.index }}_6 as followed

    left join followed_{{ loop.index }}_0 as kept on followed.merged_into = kept.record_key

    where
        followed.merged_into is not null
        and (kept.record_key is null or kept.merged_into is not null)

    having count(*) > 0

    union all

    {% endfor -%}
    select
        cast(null as {{ dbt.type_string() }}) as source_name,
        0 as record_count

    from (select 1 as one) as nobody

    where one = 0

)

select * from lost
