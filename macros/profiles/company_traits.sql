{#- Relation-shaped query: one row per company with traits of what belongs to it: a count or sum is 0 where nothing does, anything else null.
    relation: what is rolled up, with account_id (of `contacts`, profile_id): a group of traits, a model of opportunities, an event.
    of: whose rows are a company's: `itself`, its `contacts`, the companies right below it (`children`), all below it (`below`), or all that have the
    same company at the top, itself included (`group`). traits: {name: trait}, in the order of the columns: `count`, or {sum, mean, min, max,
    distinct: column}, with `where: <SQL of the relation's columns>` beside it. docs/add-a-trait.md shows each. -#}
{% macro company_traits(relation, of, traits) -%}
    {%- set key = 'profile_id' if of == 'contacts' else 'account_id' -%}
    {%- set asked = headwater._company_traits_read(of, traits) -%}
    {%- set doublings = 6 if of == 'below' else 0 %}
with

everybody as (

    select distinct account_id

    from {{ ref('headwater', 'account_records') }}

),
{%- if of in ['children', 'below'] %}

below_0 as (

    select
        parent_account_id as account_id,
        account_id as member_id

    from {{ ref('headwater', 'account_hierarchy') }}

    where
        parent_account_id is not null
        and not has_no_top

),
{%- for n in range(doublings) %}

-- Twice as far down, up to 64 levels.
below_{{ n + 1 }} as (

    select
        account_id,
        member_id

    from below_{{ n }}{{ '_once' if n }}

    union all

    select
        upper_part.account_id,
        lower_part.member_id

    from below_{{ n }}{{ '_once' if n }} as upper_part

    inner join below_{{ n }}{{ '_once' if n }} as lower_part on upper_part.member_id = lower_part.account_id

),

below_{{ n + 1 }}_once as (

    select distinct
        account_id,
        member_id

    from below_{{ n + 1 }}

),
{%- endfor %}
{%- endif %}

members as (

    {% if of == 'itself' -%}
    select
        account_id,
        account_id as member_id

    from everybody
    {%- elif of == 'contacts' -%}
    select
        account_id,
        profile_id as member_id

    from {{ ref('headwater', 'account_contacts') }}
    {%- elif of == 'group' -%}
    select
        whole.account_id,
        member.account_id as member_id

    from {{ ref('headwater', 'account_hierarchy') }} as whole

    inner join {{ ref('headwater', 'account_hierarchy') }} as member
        on whole.ultimate_parent_account_id = member.ultimate_parent_account_id
    {%- else -%}
    select
        account_id,
        member_id

    from below_{{ doublings }}{{ '_once' if doublings }}
    {%- endif %}

),

belonging as (

    select
        members.account_id as whole_account_id,
        told.*

    from members

    inner join {{ relation }} as told on members.member_id = told.{{ key }}

),

figures as (

    select
        whole_account_id,
        {%- for trait in asked %}
        {{ trait.sql }} as {{ trait.name }},
        {%- endfor %}
        count(*) as rows_counted

    from belonging

    group by whole_account_id

)

select
    everybody.account_id
    {%- for trait in asked %},
    {{ 'coalesce(figures.' ~ trait.name ~ ', 0) as ' ~ trait.name if trait.is_zero else 'figures.' ~ trait.name }}
    {%- endfor %}

from everybody

left join figures on everybody.account_id = figures.whole_account_id
{%- endmacro %}

{#- Value: the traits as {name, sql, is_zero}. -#}
{% macro _company_traits_read(of, traits) -%}
    {%- set places = ['itself', 'contacts', 'children', 'below', 'group'] -%}
    {%- set functions = ['count', 'sum', 'mean', 'min', 'max', 'distinct'] -%}
    {%- if of not in places -%}
        {{ headwater._company_trait_error("of: '" ~ of ~ "' is not one of " ~ places | join(', ') ~ headwater.nearest(of | string, places)) }}
    {%- elif of in ['children', 'below', 'group'] and headwater.company_hierarchy() is none -%}
        {{ headwater._company_trait_error('of: ' ~ of ~ ' wants vars: cdp_company_hierarchy, which says what names the company above') }}
    {%- elif traits is not mapping or not traits -%}
        {{ headwater._company_trait_error('wants {name: trait}') }}
    {%- endif -%}
    {%- set read = [] -%}
    {%- for name, told in traits.items() -%}
        {%- set trait = {told: true} if told is string else told -%}
        {%- if name is not string or modules.re.fullmatch('[a-z][a-z0-9_]*', name) is none or name == 'account_id' or trait is not mapping -%}
            {{ headwater._company_trait_error("'" ~ name ~ "' wants a name of small letters, digits and underscores, and a function") }}
        {%- endif -%}
        {%- for word in trait if word not in functions + ['where'] -%}
            {{ headwater._company_trait_error(name ~ ": '" ~ word ~ "' is not one of " ~ (functions + ['where']) | join(', ') ~ headwater.nearest(word, functions + ['where'])) }}
        {%- endfor -%}
        {%- set asked = trait | select('in', functions) | list -%}
        {%- if asked | length != 1 or (asked[0] != 'count' and trait[asked[0]] is not string) -%}
            {{ headwater._company_trait_error(name ~ ': wants count, or one of sum, mean, min, max, distinct with its column') }}
        {%- endif -%}
        {%- set function = asked[0] -%}
        {%- do read.append({
            'name': name, 'is_zero': function in ['count', 'sum', 'distinct'],
            'sql': headwater._event_trait_figure(function, trait[function], '(' ~ trait['where'] ~ ')' if 'where' in trait else '1 = 1'),
        }) -%}
    {%- endfor -%}
    {{ return(read) }}
{%- endmacro %}

{% macro _company_trait_error(message) -%}
    {{ exceptions.raise_compiler_error(
        (model.name if model is defined and model else 'company_traits') ~ ', company_traits: ' ~ message ~ '. docs/add-a-trait.md has an example.'
    ) }}
{%- endmacro %}
