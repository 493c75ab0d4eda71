{#- Relation-shaped query: what counts as a conversion, one row per event of a registered model.
    Columns: conversion_name, conversion_id, profile_id, value_eur, occurred_at. What a model's events are worth stands in its
    `config: meta: conversion: {name, id, value}`: the name is the model's without `event_` unless told, the id what one
    conversion is (an order of several lines is one), the value a column in euros. -#}
{% macro conversion_events() -%}
{%- set text = dbt.type_string() -%}
{%- for conversion in headwater.conversions() %}
select
    {{ headwater.string_literal(conversion.name) }} as conversion_name,
    cast({{ conversion.id }} as {{ text }}) as conversion_id,
    profile_id,
    {{ headwater.as_decimal(conversion.value, 18, 2) }} as value_eur,
    occurred_at

from {{ headwater.model_ref(conversion.model) }}

union all
{% endfor %}
select
    cast(null as {{ text }}) as conversion_name,
    cast(null as {{ text }}) as conversion_id,
    cast(null as {{ text }}) as profile_id,
    {{ headwater.as_decimal('null', 18, 2) }} as value_eur,
    cast(null as {{ dbt.type_timestamp() }}) as occurred_at

from (select 1 as one) as nothing

where one = 0
{%- endmacro %}

{#- Value: the registered conversions, each {model, name, id, value}. -#}
{% macro conversions() -%}
    {%- set found = [] -%}
    {%- for model in headwater.registry('conversions') -%}
        {%- do headwater.model_ref(model) -%}
        {%- set node = headwater.registered_node('conversions', model) -%}
        {%- set facts = ((node.config or {}).get('meta') or {}).get('conversion') or {} -%}
        {%- set allowed = ['name', 'id', 'value'] -%}
        {%- for key in facts if key not in allowed -%}
            {%- do headwater._record_error(node.original_file_path ~ ', config: meta: conversion', "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) -%}
        {%- endfor -%}
        {%- do found.append({
            'model': model,
            'name': facts.get('name') or modules.re.sub('^event_', '', model),
            'id': facts.get('id', 'event_id'),
            'value': facts.get('value', 'null'),
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
