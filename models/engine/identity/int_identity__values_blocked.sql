{%- set entities = headwater.identity_rules() -%}
{%- set everywhere = headwater.setting('cdp_identity_blocked_values') -%}
with

listed as (

    select
        cast(null as {{ dbt.type_string() }}) as entity,
        cast(null as {{ dbt.type_string() }}) as identifier_type,
        cast(null as {{ dbt.type_string() }}) as identifier_value,
        cast(null as {{ dbt.type_string() }}) as listed_in

    from (select 1 as one) as nothing

    where one = 0

    {% for entity in entities -%}
    {%- for rule in entity.identifiers -%}
    {%- for value in rule.blocked_values %}
    union all
    select {{ headwater.string_literal(entity.name) }}, {{ headwater.string_literal(rule.type) }}, {{ headwater.string_literal(value) }}, 'rule' as listed_in
    {%- endfor %}
    {%- for value in everywhere.get('exact', []) %}
    union all
    select {{ headwater.string_literal(entity.name) }}, {{ headwater.string_literal(rule.type) }}, {{ headwater.string_literal(value) }}, 'everywhere' as listed_in
    {%- endfor %}
    {%- for model in rule.blocked_models %}
    union all
    select {{ headwater.string_literal(entity.name) }}, {{ headwater.string_literal(rule.type) }}, {{ model.column }}, {{ headwater.string_literal(model.model) }}
    from {{ ref(model.model) }}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}

    union all

    select
        entity,
        left_key as identifier_type,
        right_key as identifier_value,
        'identity_overrides' as listed_in

    from {{ ref(var('cdp_identity_overrides', 'identity_overrides')) }}

    where action = 'block_value'

),

deduplicated as (

    select
        entity,
        identifier_type,
        identifier_value,
        coalesce(min(case when listed_in <> 'everywhere' then listed_in end), 'everywhere') as listed_in

    from listed

    where identifier_value is not null

    group by entity, identifier_type, identifier_value

)

select * from deduplicated
