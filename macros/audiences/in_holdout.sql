{#- Expression, boolean: an id is among the percent held back. The same id and salt give the same answer for ever; ids held back
    at 10 percent are held back at 20 percent too. -#}
{% macro in_holdout(key, percent, salt) -%}
    {{ return(headwater.hash_below(dbt.concat([headwater.string_literal('holdout|' ~ salt ~ '|'), key]), percent)) }}
{%- endmacro %}
