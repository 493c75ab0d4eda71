{#- Expression: a row's columns as one whole number that tells whether they changed: the same values give the same number on one warehouse,
    not on another, and after a new version of it the numbers may be others. Never null, so that it can be added up over rows. -#}
{% macro row_fingerprint(columns) -%}
    {{ return(adapter.dispatch('row_fingerprint', 'headwater')(columns)) }}
{%- endmacro %}

{#- DuckDB: 64 bits, nulls included (https://duckdb.org/docs/stable/sql/functions/utility). Snowflake: signed 64 bits, never null
    (https://docs.snowflake.com/en/sql-reference/functions/hash). Both read 2026-11-29. -#}
{% macro default__row_fingerprint(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{#- 64 bits that are the same in every release; wide, since a sum over rows may not overflow
    (https://cloud.google.com/bigquery/docs/reference/standard-sql/hash_functions, read 2026-11-29). -#}
{% macro bigquery__row_fingerprint(columns) -%}
    cast(farm_fingerprint(to_json_string(struct({{ columns | join(', ') }}))) as bignumeric)
{%- endmacro %}
