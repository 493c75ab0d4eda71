{#- Nothing, or an error before anything is written: a dbt that nobody tried. `require-dbt-version` is one range, from 1.11 up to the v2
    engine, and the engine's pre-releases do not read it. -#}
{% macro check_dbt_version() -%}
    {%- set known = ['1.11', '1.12', '2.0'] -%}
    {%- if execute and dbt_version.split('.')[:2] | join('.') not in known -%}
        {{ exceptions.raise_compiler_error(
            "dbt " ~ dbt_version ~ " is not one that Headwater knows: " ~ known | join(', ') ~ ". Nothing was built. Install one of these, or a release of Headwater that "
            ~ "knows this one (docs/warehouses.md)."
        ) }}
    {%- endif -%}
{%- endmacro %}
