{#- Query: each record's keys under each blocking rule that its values allow, with how many records share the key. -#}
{% macro matching_blocks(records) -%}
{%- set settings = headwater.matching_settings() -%}
with

keyed as (

    {% for entity in settings.entities -%}
    {%- set outer = loop -%}
    {%- for rule in entity.rules -%}
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
        {%- elif ':' in part -%}
            {%- do parts.append("substr(" ~ kinds[0] ~ ", 1, " ~ part.split(':')[1] ~ ")") -%}
        {%- else -%}
            {%- do parts.append(part) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts) }}
{%- endmacro %}
