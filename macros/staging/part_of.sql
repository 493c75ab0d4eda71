{#- Expression: the n-th of several texts in one cell, without blanks and quotes around it; null where there are fewer. -#}
{% macro part_of(expression, n, separator=';') -%}
    {%- do headwater._check_separator('part_of', separator) -%}
    {%- if n is not integer or n < 1 -%}
        {{ exceptions.raise_compiler_error("part_of: '" ~ n ~ "' is no place in a cell; the first is 1.") }}
    {%- endif -%}
    {%- set part = dbt.split_part('cast(' ~ expression ~ ' as ' ~ dbt.type_string() ~ ')', headwater.string_literal(separator), n) -%}
    {{ return("nullif(trim(replace(" ~ part ~ ", '\"', '')), '')") }}
{%- endmacro %}

{#- Nothing, or an error for what texts in a cell are not separated by. -#}
{% macro _check_separator(name, separator) -%}
    {%- set allowed = [',', ';', '|', '/', '+'] -%}
    {%- if separator not in allowed -%}
        {{ exceptions.raise_compiler_error(name ~ ": separator '" ~ separator ~ "' is not one of " ~ allowed | join(' ') ~ '.') }}
    {%- endif -%}
{%- endmacro %}
