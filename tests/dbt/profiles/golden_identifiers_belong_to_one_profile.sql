-- A golden attribute that is an identifier (an e-mail address, a phone number) is of one profile or company only.
{%- set checks = [] -%}
{%- for entity, model, key in [('person', ref('profiles'), 'profile_id'), ('account', ref('accounts'), 'account_id')] -%}
    {%- for attribute in headwater.survivorship_rules(entity).attributes if attribute.identifier -%}
        {%- do checks.append((entity, model, key, attribute.name)) -%}
    {%- endfor -%}
{%- endfor -%}
{%- for entity, model, key, attribute in checks %}
select
    {{ headwater.string_literal(entity) }} as entity,
    {{ headwater.string_literal(attribute) }} as attribute,
    min({{ key }}) as entity_id,
    count(*) as owner_count

from {{ model }}

where {{ attribute }} is not null

group by {{ attribute }}

having count(*) > 1

union all
{% endfor %}
select
    cast(null as {{ dbt.type_string() }}) as entity,
    cast(null as {{ dbt.type_string() }}) as attribute,
    cast(null as {{ dbt.type_string() }}) as entity_id,
    0 as owner_count

from (select 1 as one) as nothing

where one = 0
