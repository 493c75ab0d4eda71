{#- Expression, boolean: the whole text matches a pattern; null for null. -#}
{% macro regexp_matches_whole(expression, pattern) -%}
    {{ return(adapter.dispatch('regexp_matches_whole', 'headwater')(expression, pattern)) }}
{%- endmacro %}

{#- Snowflake's regexp_like anchors both ends by itself; in brackets, so that of alternatives it anchors each. -#}
{% macro default__regexp_matches_whole(expression, pattern) -%}
    regexp_like({{ expression }}, {{ headwater.string_literal('(' ~ pattern ~ ')') }})
{%- endmacro %}

{% macro duckdb__regexp_matches_whole(expression, pattern) -%}
    regexp_full_match({{ expression }}, {{ headwater.string_literal(pattern) }})
{%- endmacro %}

{% macro bigquery__regexp_matches_whole(expression, pattern) -%}
    regexp_contains({{ expression }}, {{ headwater.string_literal('^(?:' ~ pattern ~ ')$') }})
{%- endmacro %}
