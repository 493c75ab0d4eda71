{#- Statement: loads a seed's file on DuckDB, as dbt does. Its v2 engine looks for a package's file in the package's folder twice over; a
    project that installs this one puts it right by a macro duckdb__load_csv_rows that calls this one (docs/warehouses.md). -#}
{% macro load_seed_file(model, agate_table) -%}
    {%- if dbt_version.startswith('1.') or model.package_name == project_name -%}
        {{ return(dbt.duckdb__load_csv_rows(model, agate_table)) }}
    {%- endif -%}
    {%- set statement = "copy " ~ this ~ " from '" ~ model.root_path ~ '/' ~ model.path ~ "' (format csv, header true, delimiter '"
        ~ config.get('delimiter', ',') ~ "')" -%}
    {%- do adapter.add_query(statement, abridge_sql_log=True) -%}
    {{ return(statement) }}
{%- endmacro %}
