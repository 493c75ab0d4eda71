{#- Expression: a string as a 64-bit whole number, never negative: the first 60 (DuckDB 63) bits of its MD5. The same
    string gives the same number in every run and release, so it may be stored. Two strings could meet: about one
    chance in 10,000 among 10 million; identity tests that none did. -#}
{% macro node_key(expression) -%}
    {{ return(adapter.dispatch('node_key', 'headwater')(expression)) }}
{%- endmacro %}

{#- Snowflake. -#}
{% macro default__node_key(expression) -%}
    cast(to_number(left(md5({{ expression }}), 15), 'XXXXXXXXXXXXXXX') as bigint)
{%- endmacro %}

{% macro duckdb__node_key(expression) -%}
    cast(md5_number({{ expression }}) >> 65 as bigint)
{%- endmacro %}

{% macro bigquery__node_key(expression) -%}
    cast(concat('0x', left(to_hex(md5({{ expression }})), 15)) as int64)
{%- endmacro %}
