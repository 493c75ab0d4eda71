{#- Expression, boolean: a list (an array column) holds a value. -#}
{% macro list_includes(column, value) -%}
    {{ return(adapter.dispatch('list_includes', 'headwater')(column, value)) }}
{%- endmacro %}

{% macro default__list_includes(column, value) -%}
    array_contains(to_variant({{ value }}), {{ column }})
{%- endmacro %}

{% macro duckdb__list_includes(column, value) -%}
    list_contains({{ column }}, {{ value }})
{%- endmacro %}

{% macro bigquery__list_includes(column, value) -%}
    {{ value }} in unnest({{ column }})
{%- endmacro %}
