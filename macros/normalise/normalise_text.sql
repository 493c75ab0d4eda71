{#- Expression: text as a person would have typed it with care: full-width characters and all kinds of spaces as plain
    ones, invisible characters gone, accents composed, one space between words, none around; null for nothing and for
    words that stand for nothing. Case is kept. `placeholders` are those words, lower case, as patterns. -#}
{% macro normalise_text(
    expression,
    placeholders=['[-.?_]*', 'n[.]?/?a[.]?', 'nan', 'nil', 'none', 'null', 'unknown', 'undefined', 'k[.]a[.]', 'xxx+']
) -%}
    {%- set any_case = namespace(pattern='') -%}
    {%- for letter in placeholders | join('|') -%}
        {%- set any_case.pattern = any_case.pattern ~ ('[' ~ letter ~ letter | upper ~ ']' if letter in 'abcdefghijklmnopqrstuvwxyz' else letter) -%}
    {%- endfor -%}
    nullif({{ headwater.regexp_replace_all(headwater.plain_characters(expression), '^(' ~ any_case.pattern ~ ')$', '') }}, '')
{%- endmacro %}
