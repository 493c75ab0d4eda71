{%- set entities = headwater.identity_rules() -%}
{%- set disposable_types = headwater.identity_disposable_types(entities) -%}
with -- noqa: disable=LT02

identity_records as (

    select * from {{ ref('identity_records') }}

),

{% if headwater.identity_domain_types(entities) -%}
-- mail.firm.example and www.firm.example are firm.example.
domains as (

    select
        host,
        domain

    from {{ ref('int_identity__domains') }}

),

{% endif -%}
unpivoted as (

    {% for entity in entities -%}
    {%- set outer_loop = loop -%}
    {%- for rule in entity.identifiers -%}
    {%- set value = 'domain' if rule.kind == 'domain' else rule.type ~ '_value' -%}
    {%- set keyed = [] -%}
    {%- for source in entity.records if source.record_key == (source.identifiers.get(rule.type) or {}).get('column') -%}
        {%- do keyed.append(headwater.string_literal(source.source_name)) -%}
    {%- endfor -%}
    select
        entity,
        record_node,
        {{ headwater.node_key(dbt.concat([
            "entity", headwater.string_literal('|' ~ rule.type ~ '|'), value
        ])) }} as value_node,
        {{ headwater.string_literal(rule.type) }} as identifier_type,
        {{ value }} as identifier_value,
        source_name,
        {{ rule.tier }} as tier,
        {{ 'source_name in (' ~ keyed | join(', ') ~ ')' if keyed else 'false' }} as is_key,
        {% if rule.window_days -%}
        coalesce({{ headwater.days_between('last_seen_at', headwater.cdp_now()) }} > {{ rule.window_days }}, false) as is_expired,
        {%- else -%}
        false as is_expired,
        {%- endif %}
        {% if rule.disposable -%}
        true as is_disposable,
        {%- elif rule.type in disposable_types -%}
        {{ rule.type }}_disposable as is_disposable,
        {%- else -%}
        cast(null as {{ dbt.type_boolean() }}) as is_disposable,
        {%- endif %}
        {{ headwater.identity_claim(entity, rule) }} as claim,
        first_seen_at,
        last_seen_at

    from identity_records
    {%- if rule.kind == 'domain' %}

    inner join domains on identity_records.{{ rule.type }}_value = domains.host
    {%- endif %}

    where
        entity = {{ headwater.string_literal(entity.name) }}
        and {{ rule.type }}_value is not null

    {{ "union all" if not (outer_loop.last and loop.last) }}

    {% endfor %}
    {%- endfor %}
)

select * from unpivoted
