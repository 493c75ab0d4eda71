{#- Who is held back. By chance alone: the hash of an id (in_holdout). In each group alike, `holdout: {percent: 10, per: country}`: so many of those who are new in
    a group that its share is right, in the order of their hashes; who was held out once stays so, and who was not stays in. Everywhere,
    `vars: cdp_global_holdout: {person: {percent: 5, salt: everybody}}`: the same people in every audience and journey. -#}

{#- Value: {percent, salt, groups} of `holdout:` in an audience; groups are the traits of `per:`. -#}
{% macro audience_holdout(context, told) -%}
    {%- set holdout = headwater._share(context, headwater._rest(told, ['per']) if told is mapping else told, 'holdout') -%}
    {%- set groups = [] -%}
    {%- set per = told.get('per', []) if told is mapping else [] -%}
    {%- for trait in ([per] if per is string or per is mapping or per is not iterable else per) -%}
        {%- do headwater.use_trait(context, trait, 'holdout.per') -%}
        {%- do groups.append(trait) -%}
    {%- endfor -%}
    {%- do holdout.update({'groups': groups}) -%}
    {{ return(holdout) }}
{%- endmacro %}

{#- Value: {percent, salt} of whom every audience of an entity holds back; none where nobody is, or where a definition says `global_holdout: may_be_in`. -#}
{% macro global_holdout(context, entity, told='held_out') -%}
    {%- if told not in ['held_out', 'may_be_in'] -%}
        {%- do headwater.note_problem(context, 'global_holdout', "'" ~ told ~ "' is not one of held_out, may_be_in" ~ headwater.nearest(told, ['held_out', 'may_be_in'])) -%}
    {%- endif -%}
    {%- set setting = headwater.setting('cdp_global_holdout').get(entity) -%}
    {%- if not setting or told == 'may_be_in' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set path = 'vars: cdp_global_holdout.' ~ entity -%}
    {%- if setting is not mapping or setting.get('salt') is not string or not setting['salt'] -%}
        {%- do headwater.note_problem(context, path, "wants {percent: 0 to 100, salt: a word}; the salt says who they are, so never change it") -%}
    {%- endif -%}
    {{ return(headwater._share(context, setting, path)) }}
{%- endmacro %}

{#- Expression, boolean: an id is held back by chance, by any of these holdouts, each {percent, salt} or none. -#}
{% macro held_out_by_chance(key, holdouts) -%}
    {%- set parts = [] -%}
    {%- for one in holdouts if one -%}
        {%- do parts.append(headwater.in_holdout(key, one.percent, one.salt)) -%}
    {%- endfor -%}
    {{ return('(' ~ parts | join(' or ') ~ ')' if parts else '1 = 0') }}
{%- endmacro %}

{#- Relation-shaped query in brackets: whether each member is held back where groups are alike: the key and is_held. `source` has the key and the groups of the
    holdout; `test` is true of members; `everywhere` is whom the global holdout has, none of whom is drawn again. New ones are held at most twice as often as
    their share, so that a percent which was raised is not made up for by the next who come. -#}
{% macro held_out_in_groups(context, holdout, everywhere, source, test='1 = 1') -%}
{%- set key = 'members.' ~ context.key -%}
{%- set table = headwater.as_last_built(context, 'audience_memberships', 'holdout.per') -%}
{%- set groups = [] -%}
{%- for group in holdout.groups -%}
    {%- do groups.append('members.' ~ group) -%}
{%- endfor -%}
{%- set partition = 'partition by ' ~ groups | join(', ') -%}
{%- set decided = 'case when ' ~ headwater.held_out_by_chance(key, [everywhere]) ~ ' then 1' ~ (' when stays.any_held = 1 then stays.was_held' if table else '') ~ ' end' -%}
(
    select
        drawn.{{ context.key }},
        case
            when drawn.decided is not null then drawn.decided = 1
            else drawn.place <= least(
                round(drawn.members_count * {{ holdout.percent }} / 100.0) - drawn.held_count, round(2 * drawn.new_count * {{ holdout.percent }} / 100.0 + 0.4999)
            )
        end as is_held

    from (
        select
            {{ key }},
            {{ decided }} as decided,
            count(*) over ({{ partition }}) as members_count,
            sum(case when {{ decided }} = 1 then 1 else 0 end) over ({{ partition }}) as held_count,
            sum(case when {{ decided }} is null then 1 else 0 end) over ({{ partition }}) as new_count,
            row_number() over (
                {{ partition }}, case when {{ decided }} is null then 1 else 0 end
                order by {{ headwater.md5_hex(dbt.concat([headwater.string_literal('holdout|' ~ holdout.salt ~ '|'), key])) }}, {{ key }}
            ) as place

        from {{ source }} as members
        {%- if table %}

        left join (
            select
                held.entity_id,
                max(case when held.is_holdout then 1 else 0 end) as was_held,
                max(max(case when held.is_holdout then 1 else 0 end)) over () as any_held

            from {{ table }} as held

            where
                held.audience_name = {{ headwater.string_literal(context.name) }}
                and held.entity = {{ headwater.string_literal(context.entity) }}

            group by held.entity_id
        ) as stays
            on {{ key }} = stays.entity_id
        {%- endif %}

        where {{ test }}
    ) as drawn
)
{%- endmacro %}
