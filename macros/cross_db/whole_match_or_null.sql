{#- Expression: a string where the whole of it matches a pattern, else null. -#}
{% macro whole_match_or_null(expression, pattern) -%}
    {{ return(adapter.dispatch('whole_match_or_null', 'headwater')(expression, pattern)) }}
{%- endmacro %}

{% macro default__whole_match_or_null(expression, pattern) -%}
    nullif(regexp_substr({{ expression }}, {{ headwater.string_literal('^(' ~ pattern ~ ')$') }}), '')
{%- endmacro %}

{% macro duckdb__whole_match_or_null(expression, pattern) -%}
    nullif(regexp_extract({{ expression }}, {{ headwater.string_literal('^(' ~ pattern ~ ')$') }}), '')
{%- endmacro %}

{#- BigQuery extracts one group only, so there the string stands twice. -#}
{% macro bigquery__whole_match_or_null(expression, pattern) -%}
    if({{ headwater.regexp_matches_whole(expression, pattern) }}, {{ expression }}, null)
{%- endmacro %}
