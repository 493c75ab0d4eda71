{#- Expression: edit distance of two strings (insert, delete, substitute), a whole number. -#}
{% macro levenshtein(left_expression, right_expression) -%}
    {{ return(adapter.dispatch('levenshtein', 'headwater')(left_expression, right_expression)) }}
{%- endmacro %}

{% macro default__levenshtein(left_expression, right_expression) -%}
    editdistance({{ left_expression }}, {{ right_expression }})
{%- endmacro %}

{% macro duckdb__levenshtein(left_expression, right_expression) -%}
    levenshtein({{ left_expression }}, {{ right_expression }})
{%- endmacro %}

{% macro bigquery__levenshtein(left_expression, right_expression) -%}
    edit_distance({{ left_expression }}, {{ right_expression }})
{%- endmacro %}
