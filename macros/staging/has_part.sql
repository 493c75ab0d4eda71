{#- Expression, boolean: whether a cell of several texts (tags) has one, whole, in any case; false where the cell is empty. -#}
{% macro has_part(expression, value, separator=',') -%}
    {%- do headwater._check_separator('has_part', separator) -%}
    {%- if not value or not value | string | trim or separator in value | string -%}
        {{ exceptions.raise_compiler_error("has_part: '" ~ value ~ "' is not one text of a cell that '" ~ separator ~ "' separates.") }}
    {%- endif -%}
    {%- set mark = headwater.string_literal(separator) -%}
    {%- set text = "trim(replace(lower(cast(" ~ expression ~ " as " ~ dbt.type_string() ~ ")), '\"', ''))" -%}
    {%- set even = headwater.regexp_replace_all(text, '[ ]*[' ~ separator ~ '][ ]*', separator) -%}
    {%- set wanted = headwater.string_literal(separator ~ (value | string | trim | lower) ~ separator) -%}
    {{ return('coalesce(' ~ dbt.position(wanted, dbt.concat([mark, even, mark])) | trim ~ ' > 0, false)') }}
{%- endmacro %}
