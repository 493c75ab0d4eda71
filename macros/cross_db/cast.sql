{#- Expression: dbt's own `cast`, by which it makes the columns that a contract is held against. BigQuery takes types with a
    size in a table's columns, not in a cast, so there numeric(18, 2) is cast as numeric. -#}
{% macro bigquery__cast(field, type) -%}
    cast({{ field }} as {{ modules.re.sub('[(][0-9, ]*[)]', '', type) }})
{%- endmacro %}
