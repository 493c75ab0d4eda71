{#- Expression: a string constant, escaped for the warehouse. Never splice a raw value into SQL. -#}
{% macro string_literal(value) -%}
    {{ return(adapter.dispatch('string_literal', 'headwater')(value)) }}
{%- endmacro %}

{% macro default__string_literal(value) -%}
    {{ return("'" ~ (value | string | replace("'", "''")) ~ "'") }}
{%- endmacro %}

{#- A backslash escapes in both. -#}
{% macro snowflake__string_literal(value) -%}
    {{ return("'" ~ (value | string | replace("\\", "\\\\") | replace("'", "''")) ~ "'") }}
{%- endmacro %}

{% macro bigquery__string_literal(value) -%}
    {{ return("'" ~ (value | string | replace("\\", "\\\\") | replace("'", "\\'") | replace("\n", "\\n")) ~ "'") }}
{%- endmacro %}

{#- Expression: string constants with commas between, for `in (...)`; a null for none. -#}
{% macro string_literals(values) -%}
    {%- set literals = [] -%}
    {%- for value in values -%}
        {%- do literals.append(headwater.string_literal(value)) -%}
    {%- endfor -%}
    {{ return(literals | join(', ') or 'null') }}
{%- endmacro %}

{#- Value: a pattern of a string constant in compiled SQL. -#}
{% macro string_pattern() -%}
    {{ return(adapter.dispatch('string_pattern', 'headwater')()) }}
{%- endmacro %}

{#- A backslash escapes what follows. -#}
{% macro default__string_pattern() -%}
    {{ return("'(?:[^'\\\\]|''|\\\\.)*'") }}
{%- endmacro %}

{% macro duckdb__string_pattern() -%}
    {{ return("'(?:[^']|'')*'") }}
{%- endmacro %}
