{#- Expression, boolean: a string's hash falls in the first `percent` (0 to 100) of all hashes.
    The same string gives the same answer on every warehouse: hex digits are compared as text. -#}
{% macro hash_below(expression, percent) -%}
    {%- if percent | float >= 100 -%}
        {{ return("(" ~ expression ~ ") is not null") }}
    {%- endif -%}
    {%- set bound = (percent | float / 100 * 4294967296) | int -%}
    {%- set digits = [] -%}
    {%- for place in range(7, -1, -1) -%}
        {%- do digits.append('0123456789abcdef'[bound // 16 ** place % 16]) -%}
    {%- endfor -%}
    {{ return("substr(" ~ headwater.md5_hex(expression) ~ ", 1, 8) < '" ~ digits | join ~ "'") }}
{%- endmacro %}
