{#- Expression: a string where the whole of it matches a pattern, else null. The string stands in the SQL once. -#}
{% macro whole_match_or_null(expression, pattern) -%}
    {{ return(adapter.dispatch('whole_match_or_null', 'headwater')(expression, pattern)) }}
{%- endmacro %}

{% macro default__whole_match_or_null(expression, pattern) -%}
    nullif(regexp_substr({{ expression }}, {{ string_literal('^(' ~ pattern ~ ')$') }}), '')
{%- endmacro %}

{% macro duckdb__whole_match_or_null(expression, pattern) -%}
    nullif(regexp_extract({{ expression }}, {{ string_literal('^(' ~ pattern ~ ')$') }}), '')
{%- endmacro %}

{#- BigQuery returns the one group, and allows no second. -#}
{% macro bigquery__whole_match_or_null(expression, pattern) -%}
    nullif(regexp_extract({{ expression }}, {{ string_literal('^(' ~ (pattern | replace('(', '(?:')) ~ ')$') }}), '')
{%- endmacro %}
