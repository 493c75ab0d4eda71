{#- Expression: what an erasure request keeps of a value. An address is hashed in small letters by whoever calls this. -#}
{% macro erasure_hash(salt, value) -%}
    {{ return(headwater.sha256_hex(dbt.concat([salt, value]))) }}
{%- endmacro %}
