{#- Expression: a string in Unicode's composed form (NFC), so that an accent typed apart equals the accented letter.
    Snowflake has no such function: there the string stays as it is. -#}
{% macro unicode_composed(expression) -%}
    {{ return(adapter.dispatch('unicode_composed', 'headwater')(expression)) }}
{%- endmacro %}

{% macro default__unicode_composed(expression) -%}
    {{ expression }}
{%- endmacro %}

{% macro duckdb__unicode_composed(expression) -%}
    nfc_normalize({{ expression }})
{%- endmacro %}

{% macro bigquery__unicode_composed(expression) -%}
    normalize({{ expression }}, nfc)
{%- endmacro %}
