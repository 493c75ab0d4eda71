{#- Relation-shaped query, the whole of the model of that name: the memberships a build opens, closes or moves to another id.
    The macro itself sets what keeps it through a full refresh. A member who is new gets a row; one who is gone, an exited_at; one
    whose profile was merged, the surviving id, and of two open memberships the older goes on. Rows that stay are not touched. -#}
{% macro audience_memberships() -%}
{{- config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='membership_id',
    on_schema_change='append_new_columns',
    full_refresh=false,
) -}}
{%- do headwater.check_registered('audiences', 'audience_', ['audience_memberships', 'audience_holdouts']) -%}
{%- do headwater._keeps_its_rows('audience_memberships') -%}
{%- set text = dbt.type_string() -%}
with

current_members as (
    {% for audience in headwater.registry('audiences') -%}
    {%- set facts = headwater.audience_facts(audience) -%}
    {%- if not facts.is_definition -%}
        {%- do headwater._check_audience_columns(audience, facts.key) -%}
    {%- endif -%}
    select
        cast({{ headwater.string_literal(audience) }} as {{ text }}) as audience_name,
        cast({{ headwater.string_literal(facts.entity) }} as {{ text }}) as entity,
        members.{{ facts.key }} as entity_id,
        members.is_holdout

    from {{ headwater.model_ref(audience) }} as members

    where members.{{ facts.key }} is not null

    union all

    {% endfor -%}
    select
        cast(null as {{ text }}) as audience_name,
        cast(null as {{ text }}) as entity,
        cast(null as {{ text }}) as entity_id,
        false as is_holdout

    from (select 1 as one) as nobody

    where one = 0

),

known as (

    select
        memberships.membership_id,
        memberships.audience_name,
        memberships.entity,
        coalesce(identity_aliases.live_id, memberships.entity_id) as entity_id,
        memberships.entity_id as former_id,
        memberships.is_holdout,
        memberships.entry_number,
        memberships.exit_reason,
        memberships.entered_at,
        memberships.exited_at

    from {% if is_incremental() %}{{ this }}{% else %}{{ headwater._no_memberships() }}{% endif %} as memberships

    left join {{ ref('headwater', 'identity_aliases') }} as identity_aliases
        on memberships.entity = identity_aliases.entity
        and memberships.entity_id = identity_aliases.old_id

),

open_memberships as (

    select
        membership_id,
        audience_name,
        entity,
        entity_id,
        row_number() over (
            partition by audience_name, entity, entity_id
            order by entered_at asc nulls last, membership_id asc
        ) as place

    from known

    where exited_at is null

),

closing as (

    select
        open_memberships.membership_id,
        case when open_memberships.place > 1 then 'merged' else 'left' end as exit_reason

    from open_memberships

    left join current_members
        on open_memberships.audience_name = current_members.audience_name
        and open_memberships.entity = current_members.entity
        and open_memberships.entity_id = current_members.entity_id

    where
        open_memberships.place > 1
        or current_members.entity_id is null

),

closed_or_moved as (

    select
        known.membership_id,
        known.audience_name,
        known.entity,
        known.entity_id,
        known.is_holdout,
        known.entry_number,
        coalesce(known.exit_reason, closing.exit_reason) as exit_reason,
        known.entered_at,
        case when closing.membership_id is null then known.exited_at else {{ headwater.cdp_now() }} end as exited_at

    from known

    left join closing
        on known.membership_id = closing.membership_id

    where
        closing.membership_id is not null
        or known.entity_id <> known.former_id

),

earlier as (

    select
        audience_name,
        entity,
        entity_id,
        count(*) as entry_count,
        sum(case when exited_at is null then 1 else 0 end) as open_count

    from known

    group by audience_name, entity, entity_id

),

entered as (

    select
        {{ headwater.md5_hex(dbt.concat([
            'current_members.audience_name', "'|'", 'current_members.entity_id', "'|'",
            headwater.canonical_text(headwater.cdp_now(), 'timestamp'),
        ])) }} as membership_id,
        current_members.audience_name,
        current_members.entity,
        current_members.entity_id,
        current_members.is_holdout,
        cast(coalesce(earlier.entry_count, 0) + 1 as {{ dbt.type_int() }}) as entry_number,
        cast(null as {{ text }}) as exit_reason,
        {{ headwater.cdp_now() }} as entered_at,
        cast(null as {{ dbt.type_timestamp() }}) as exited_at

    from current_members

    left join earlier
        on current_members.audience_name = earlier.audience_name
        and current_members.entity = earlier.entity
        and current_members.entity_id = earlier.entity_id

    where coalesce(earlier.open_count, 0) = 0

),

changes as (

    select
        membership_id, audience_name, entity, entity_id, is_holdout, entry_number, exit_reason, entered_at, exited_at

    from closed_or_moved

    union all

    select
        membership_id, audience_name, entity, entity_id, is_holdout, entry_number, exit_reason, entered_at, exited_at

    from entered

)

select * from changes
{%- endmacro %}

{#- Relation-shaped query in brackets: no membership, in the columns of the first build. -#}
{% macro _no_memberships() -%}
(
    select
        audience_name as membership_id,
        audience_name,
        entity,
        entity_id,
        is_holdout,
        cast(0 as {{ dbt.type_int() }}) as entry_number,
        audience_name as exit_reason,
        {{ headwater.cdp_now() }} as entered_at,
        {{ headwater.cdp_now() }} as exited_at

    from current_members

    where 1 = 0
)
{%- endmacro %}

{#- Nothing, or an error for an audience whose columns are not those of one. A definition cannot be otherwise; plain SQL can. -#}
{% macro _check_audience_columns(name, key) -%}
    {%- set wanted = {key: 'text', 'is_holdout': 'boolean', 'qualified_at': 'time'} -%}
    {%- set columns = headwater.model_columns(name) -%}
    {%- for column, kind in wanted.items() -%}
        {%- set found = columns.types.get(column) -%}
        {%- if (columns.is_complete and column not in columns.types) or (found and found != kind) -%}
            {{ exceptions.raise_compiler_error(
                name ~ ": column '" ~ column ~ "' is " ~ ('missing' if column not in columns.types else 'of the kind ' ~ found)
                ~ "; an audience has " ~ key ~ " (text), is_holdout (boolean) and qualified_at (time). See docs/add-an-audience.md."
            ) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
