{#- Expression: text as a person would have typed it with care: full-width characters and all kinds of spaces as plain
    ones, invisible characters gone, accents composed, one space between words, none around; null for nothing and for
    words that stand for nothing (n/a, null, unknown, -). Case is kept. -#}
{% macro normalise_text(expression) -%}
    {%- set text = plain_characters(expression) -%}
    case
        when lower({{ text }}) in (
            '', '-', '--', '.', '?', 'n/a', 'n.a.', 'na', 'nan', 'none', 'null', 'nil', 'unknown', 'undefined', 'k.a.', 'xxx'
        ) then null
        else {{ text }}
    end
{%- endmacro %}
