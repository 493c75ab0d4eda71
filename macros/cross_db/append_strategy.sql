{#- Text: the incremental strategy that only adds rows. BigQuery has none of that name; there a merge without a key adds. -#}
{% macro append_strategy() -%}
    {{ return(adapter.dispatch('append_strategy', 'headwater')()) }}
{%- endmacro %}

{% macro default__append_strategy() -%}
    {{ return('append') }}
{%- endmacro %}

{% macro bigquery__append_strategy() -%}
    {{ return('merge') }}
{%- endmacro %}
