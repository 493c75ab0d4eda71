{#- For dbt's v2 engine on DuckDB, which would not find the seeds of a package. -#}
{% macro duckdb__load_csv_rows(model, agate_table) -%}
    {{ return(headwater.load_seed_file(model, agate_table)) }}
{%- endmacro %}
