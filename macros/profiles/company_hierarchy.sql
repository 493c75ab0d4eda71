{#- Value: {parent, identifier} of `vars: cdp_company_hierarchy`, checked: the golden attribute that names the company above, and the identifier it
    names it by; none where the project declares no hierarchy. -#}
{% macro company_hierarchy() -%}
    {%- set rule = var('cdp_company_hierarchy', none) -%}
    {%- if not rule -%}
        {{ return(none) }}
    {%- endif -%}
    {%- for key, allowed in [
        ('parent', ((headwater.setting('cdp_survivorship').get('account') or {}).get('attributes') or {}) | list),
        ('identifier', ((headwater.setting('cdp_identity').get('account') or {}).get('identifiers') or {}) | list),
    ] if rule.get(key) not in allowed -%}
        {{ headwater.stop_setting('vars: cdp_company_hierarchy.' ~ key ~ ": '" ~ rule.get(key) ~ "' is not one of " ~ allowed | join(', ')
            ~ headwater.nearest(rule.get(key) | string, allowed) ~ '. docs/add-a-trait.md has an example.') }}
    {%- endfor -%}
    {{ return(rule) }}
{%- endmacro %}

{#- Relation-shaped query: a row for each company, its parent and the company at the top, found in six doublings of the step (64 levels). One that
    names itself is at the top; companies that are above one another have none. -#}
{% macro company_hierarchy_rows(rule) -%}
    {%- set double_steps = 6 -%}
with

accounts as (

    select distinct account_id

    from {{ ref('headwater', 'account_records') }}

),

-- A value that several companies have names none of them.
named as (

    select
        identifier_value,
        min(account_id) as account_id

    from {{ ref('headwater', 'account_identifiers') }}

    where identifier_type = {{ headwater.string_literal(rule.identifier) }}

    group by identifier_value

    having count(distinct account_id) = 1

),

told as (

    select
        account_id,
        {{ headwater.identity_value({'column': 'value'}, headwater.identity_rules() | selectattr('name', 'equalto', 'account') | first, rule.identifier) }} as parent_value

    from {{ ref('headwater', 'account_attributes') }}

    where
        attribute = {{ headwater.string_literal(rule.parent) }}
        and value is not null

),

parents as (

    select
        told.account_id,
        named.account_id as parent_account_id

    from told

    left join named on told.parent_value = named.identifier_value

),

climbed_0 as (

    select
        account_id,
        parent_account_id as top_account_id,
        1 as steps

    from parents

    where parent_account_id <> account_id

),
{%- for n in range(double_steps) %}

climbed_{{ n + 1 }} as (

    select
        lower_part.account_id,
        coalesce(upper_part.top_account_id, lower_part.top_account_id) as top_account_id,
        lower_part.steps + coalesce(upper_part.steps, 0) as steps

    from climbed_{{ n }} as lower_part

    left join climbed_{{ n }} as upper_part on lower_part.top_account_id = upper_part.account_id

),
{%- endfor %}

tops as (

    select
        climbed.account_id,
        climbed.top_account_id,
        climbed.steps,
        above.account_id is not null as has_no_top

    from climbed_{{ double_steps }} as climbed

    left join climbed_0 as above on climbed.top_account_id = above.account_id

),

children as (

    select
        top_account_id as account_id,
        count(*) as child_count

    from climbed_0

    group by top_account_id

),

placed as (

    select
        accounts.account_id,
        parents.parent_account_id,
        case when coalesce(tops.has_no_top, false) then null else coalesce(tops.top_account_id, accounts.account_id) end as ultimate_parent_account_id,
        case when coalesce(tops.has_no_top, false) then null else coalesce(tops.steps, 0) end as levels_below_top,
        coalesce(children.child_count, 0) as child_count,
        parents.account_id is not null and parents.parent_account_id is null as is_parent_unknown,
        coalesce(tops.has_no_top, false) as has_no_top

    from accounts

    left join parents on accounts.account_id = parents.account_id

    left join tops on accounts.account_id = tops.account_id

    left join children on accounts.account_id = children.account_id

)

select
    account_id,
    case when parent_account_id <> account_id then parent_account_id end as parent_account_id,
    ultimate_parent_account_id,
    cast(levels_below_top as {{ dbt.type_int() }}) as levels_below_top,
    cast(child_count as {{ dbt.type_int() }}) as child_count,
    is_parent_unknown,
    has_no_top

from placed
{%- endmacro %}
