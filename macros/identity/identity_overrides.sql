{#- Query: what people decided, `columns` of it: the rows of the seed (or of the model that `cdp_identity_overrides` names), and what
    `sync review-matches` was told, the last answer on each pair. -#}
{% macro identity_overrides(columns) -%}
    {#- The table is made at the start of a build; where identity is built by itself there may be none. -#}
    {%- set answers = adapter.get_relation(
        database=target.database, schema=headwater._sync_schema(), identifier='identity_answers'
    ) if execute and headwater._dbt_runs_nodes() else none %}
    select {{ columns | join(', ') }}
    from {{ ref(var('cdp_identity_overrides', 'identity_overrides')) }}
    {%- if answers %}
    union all
    select {{ columns | join(', ') }}
    from (
        select
            entity,
            action,
            left_key,
            right_key,
            author,
            reason,
            row_number() over (
                partition by entity, least(left_key, right_key), greatest(left_key, right_key)
                order by answered_at desc nulls last, action asc nulls last
            ) as place
        from {{ answers }}
    ) as ranked
    where place = 1 and action in ('link', 'do_not_link')
    {%- endif %}
{%- endmacro %}
