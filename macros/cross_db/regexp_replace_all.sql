{#- Expression: every match of a pattern replaced. Patterns use classes such as [0-9], never backslash letters. -#}
{% macro regexp_replace_all(expression, pattern, replacement='') -%}
    {{ return(adapter.dispatch('regexp_replace_all', 'headwater')(expression, pattern, replacement)) }}
{%- endmacro %}

{% macro default__regexp_replace_all(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, {{ headwater.string_literal(pattern) }}, {{ headwater.string_literal(replacement) }})
{%- endmacro %}

{% macro duckdb__regexp_replace_all(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, {{ headwater.string_literal(pattern) }}, {{ headwater.string_literal(replacement) }}, 'g')
{%- endmacro %}
