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
