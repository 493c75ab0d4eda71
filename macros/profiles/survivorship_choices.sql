{#- Relation-shaped query: the surviving value of each attribute of each entity.
    `candidates` names a CTE or relation with `entity_key`, record_key, source_name, attribute, value, source_rank, is_valid,
    first_seen_at, last_seen_at. Same columns out, one row per entity and attribute.
    The last ties fall to the most recent record, then to the smallest record key: the same row on every warehouse. -#}
{% macro survivorship_choices(entity, candidates, entity_key) -%}
{%- set columns = [entity_key, 'attribute', 'value', 'source_name', 'record_key', 'first_seen_at', 'last_seen_at'] -%}
{%- set attributes = headwater.survivorship_rules(entity).attributes -%}
{%- set led = [] -%}
{%- for leader in attributes -%}
    {%- set followers = attributes | selectattr('follows', 'equalto', leader.name) | map(attribute='name') | list -%}
    {%- if followers -%}
        {%- do led.append({'leader': leader, 'followers': followers}) -%}
    {%- endif -%}
{%- endfor -%}
{%- set groups = {} -%}
{%- for attribute in attributes if attribute.rules -%}
    {%- set needs_type = 'min' in attribute.rules or 'max' in attribute.rules -%}
    {%- set group = attribute.rules | join('_then_') ~ ('_' ~ attribute.type if needs_type else '') -%}
    {%- do groups.setdefault(group, []).append(attribute) -%}
{%- endfor -%}
with

{% for group, members in groups.items() %}
by_{{ group }} as (

    select
        {{ columns | join(',\n        ') }},
        row_number() over (
            partition by {{ entity_key }}, attribute
            order by
                {%- for rule in members[0].rules %}
                {{ headwater._survivorship_order(rule, members[0].type) }},
                {%- endfor %}
                last_seen_at desc nulls last,
                record_key asc
        ) as choice

    from (
        select
            {{ columns | join(',\n            ') }},
            source_rank,
            is_valid,
            count(*) over (partition by {{ entity_key }}, attribute, value) as value_count

        from {{ candidates }}

        where attribute in ({% for member in members %}{{ headwater.string_literal(member.name) }}{{ ', ' if not loop.last }}{% endfor %})
    ) as counted

),
{% endfor %}
chosen as (
    {% for group in groups %}
    select
        {{ columns | join(',\n        ') }}

    from by_{{ group }}

    where choice = 1
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        {{ columns | join(',\n        ') }}

    from {{ candidates }}

    where 1 = 0
    {% endfor %}
),

-- The record that attributes which follow another come from: the one that gave that, or, where no source gives it, the
-- first of those that give any of them. An address is never put together from two records.
leading_records as (
    {% for group in led %}
    select
        {{ entity_key }},
        attribute as leader,
        record_key

    from chosen

    where attribute = {{ headwater.string_literal(group.leader.name) }}

    union all

    select
        {{ entity_key }},
        {{ headwater.string_literal(group.leader.name) }} as leader,
        record_key

    from (
        select
            candidate.{{ entity_key }},
            candidate.record_key,
            row_number() over (
                partition by candidate.{{ entity_key }}
                order by
                    {%- for rule in group.leader.rules if rule in ['most_recent', 'first', 'source_priority'] %}
                    candidate.{{ headwater._survivorship_order(rule, group.leader.type) }},
                    {%- endfor %}
                    candidate.last_seen_at desc nulls last,
                    candidate.record_key asc,
                    candidate.attribute asc
            ) as choice

        from {{ candidates }} as candidate

        left join chosen
            on candidate.{{ entity_key }} = chosen.{{ entity_key }}
            and chosen.attribute = {{ headwater.string_literal(group.leader.name) }}

        where
            candidate.attribute in ({% for name in group.followers %}{{ headwater.string_literal(name) }}{{ ', ' if not loop.last }}{% endfor %})
            and chosen.record_key is null
    ) as without_leader

    where choice = 1
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        {{ entity_key }},
        attribute as leader,
        record_key

    from chosen

    where 1 = 0
    {% endfor %}
),

following as (
    {% for attribute in attributes if attribute.follows %}
    select
        {% for column in columns %}candidate.{{ column }}{{ ',\n        ' if not loop.last }}{% endfor %}

    from {{ candidates }} as candidate

    inner join leading_records
        on candidate.{{ entity_key }} = leading_records.{{ entity_key }}
        and candidate.record_key = leading_records.record_key
        and leading_records.leader = {{ headwater.string_literal(attribute.follows) }}

    where candidate.attribute = {{ headwater.string_literal(attribute.name) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        {{ columns | join(',\n        ') }}

    from chosen

    where 1 = 0
    {% endfor %}
),

surviving as (

    select
        {{ columns | join(',\n        ') }}

    from chosen

    union all

    select
        {{ columns | join(',\n        ') }}

    from following

)

select * from surviving
{%- endmacro %}

{#- Expression: the rules of each attribute in words, by a column that names the attribute. -#}
{% macro survivorship_words(entity, column='attribute') -%}
    case {{ column }}
        {%- for attribute in headwater.survivorship_rules(entity).attributes %}
        when {{ headwater.string_literal(attribute.name) }} then {{ headwater.string_literal(
            'follows ' ~ attribute.follows if attribute.follows else attribute.rules | join(', ')
        ) }}
        {%- else %}
        when '' then ''
        {%- endfor %}
    end
{%- endmacro %}

{#- Expression with direction: what puts the surviving value first. -#}
{% macro _survivorship_order(rule, type) -%}
    {%- set typed = headwater.attribute_cast('value', type) -%}
    {{ return({
        'valid': 'case when coalesce(is_valid, true) then 0 else 1 end asc',
        'most_recent': 'last_seen_at desc nulls last',
        'first': 'first_seen_at asc nulls last',
        'most_frequent': 'value_count desc',
        'source_priority': 'source_rank asc',
        'min': typed ~ ' asc nulls last',
        'max': typed ~ ' desc nulls last',
    }[rule]) }}
{%- endmacro %}
