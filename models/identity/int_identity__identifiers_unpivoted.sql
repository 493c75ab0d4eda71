{%- set entities = headwater.identity_rules() -%}
with

identity_records as (

    select * from {{ ref('identity_records') }}

),

unpivoted as (

    {% for entity in entities -%}
    {%- set outer_loop = loop -%}
    {%- for rule in entity.identifiers -%}
    select
        entity,
        record_node,
        {{ headwater.node_key(dbt.concat([
            "entity", headwater.string_literal('|' ~ rule.type ~ '|'), rule.type ~ '_value'
        ])) }} as value_node,
        {{ headwater.string_literal(rule.type) }} as identifier_type,
        {{ rule.type }}_value as identifier_value,
        source_name,
        {{ rule.tier }} as tier,
        {% if rule.window_days -%}
        coalesce({{ headwater.days_between('last_seen_at', headwater.cdp_now()) }} > {{ rule.window_days }}, false) as is_expired,
        {%- else -%}
        false as is_expired,
        {%- endif %}
        first_seen_at,
        last_seen_at

    from identity_records

    where
        entity = {{ headwater.string_literal(entity.name) }}
        and {{ rule.type }}_value is not null

    {{ "union all" if not (outer_loop.last and loop.last) }}

    {% endfor %}
    {%- endfor %}
)

select * from unpivoted
