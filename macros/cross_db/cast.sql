{#- Expression: dbt's own `cast`, by which it checks a contract. On BigQuery a column may have a type with a size, a cast may not:
    "Parameterized types are not allowed in CAST expressions". dbt compares the types without it. -#}
{% macro bigquery__cast(field, type) -%}
    cast({{ field }} as {{ modules.re.sub('[(][0-9, ]*[)]', '', type) }})
{%- endmacro %}
