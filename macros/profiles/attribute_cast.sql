{#- Expression: an attribute's text as its type (string, integer, float, boolean, date, timestamp); null where it cannot be. -#}
{% macro attribute_cast(expression, type) -%}
    {%- if type == 'string' -%}
        {{ return(expression) }}
    {%- endif -%}
    {%- set types = {
        'integer': dbt.type_bigint(),
        'float': headwater.type_double(),
        'boolean': dbt.type_boolean(),
        'date': 'date',
        'timestamp': dbt.type_timestamp(),
    } -%}
    {{ return(headwater.cast_or_null(expression, types[type])) }}
{%- endmacro %}

{#- Expression: the column of a source's staging model that gives an attribute, read as its type; as it is where the model's contract says that it is of
    that type. -#}
{% macro attribute_read(source, attribute) -%}
    {%- set column = source.columns[attribute.name] -%}
    {%- set node = headwater.node_named(source.model) or {} -%}
    {%- set is_held = ((node.get('config') or {}).get('contract') or {}).get('enforced') -%}
    {%- set type = ((node.get('columns') or {}).get(column) or {}).get('data_type') -%}
    {{ return(column if is_held and type == attribute.type else headwater.attribute_cast(column, attribute.type)) }}
{%- endmacro %}
