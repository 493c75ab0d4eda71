{#- Relation-shaped query: every answer on consent of every registered source (`consents`), one row each.
    Columns: consent_id, source_name, email, phone, channel, purpose, state, basis, consent_source, recorded_at, loaded_at; those a
    source does not have are null. -#}
{% macro consent_answers() -%}
{%- set text = dbt.type_string() -%}
{%- set types = {
    'consent_id': text, 'email': text, 'phone': text, 'channel': text, 'purpose': text, 'state': text, 'basis': text,
    'consent_source': text, 'recorded_at': dbt.type_timestamp(), 'loaded_at': dbt.type_timestamp(),
} -%}
{%- for model in headwater.registry('consents') %}
{%- set columns = headwater.model_column_types('consents', model) %}
select
    {{ headwater.string_literal(headwater.source_name_of('consents', model)) }} as source_name,
    {%- for column, type in types.items() %}
    cast({{ column if column in columns or not columns else 'null' }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}

from {{ ref(model) }}

union all
{% endfor %}
select
    cast(null as {{ text }}) as source_name,
    {%- for column, type in types.items() %}
    cast(null as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}

from (select 1 as one) as nothing

where one = 0
{%- endmacro %}
