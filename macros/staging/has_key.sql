{#- Expression, boolean: a raw row's key is there, neither null nor blank, whatever its type. -#}
{% macro has_key(column) -%}
    {{ return("nullif(trim(cast(" ~ column ~ " as " ~ dbt.type_string() ~ ")), '') is not null") }}
{%- endmacro %}
