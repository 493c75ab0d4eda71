{#- Expression, boolean: an id is in the random sample of a percent; the same id and salt give the same answer for ever. -#}
{% macro in_sample(key, percent, salt) -%}
    {{ return(headwater.hash_below(dbt.concat([headwater.string_literal('sample|' ~ salt ~ '|'), key]), percent)) }}
{%- endmacro %}
