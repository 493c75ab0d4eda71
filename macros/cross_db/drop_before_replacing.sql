{#- Statement: drops what stands where a table is to be made, where dbt's own `create table` of the adapter does not replace it: DuckDB, in
    the transaction of the model, and everywhere a view. -#}
{% macro drop_before_replacing(relation) -%}
    {%- do adapter.dispatch('drop_before_replacing', 'headwater')(relation) -%}
{%- endmacro %}

{% macro default__drop_before_replacing(relation) -%}
    {%- if relation is not none and relation.type != 'table' -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{%- endmacro %}

{#- In a transaction that is there: a table that cannot be made leaves the one before. -#}
{% macro duckdb__drop_before_replacing(relation) -%}
    {%- if relation is not none -%}
        {%- call statement('begin', auto_begin=True) -%}
            select 1 as one
        {%- endcall -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{%- endmacro %}

{#- A table in other parts than before cannot be replaced (dbt-bigquery's table materialisation does the same). -#}
{% macro bigquery__drop_before_replacing(relation) -%}
    {%- if relation is not none and (
        relation.type != 'table'
        or not adapter.is_replaceable(relation, adapter.parse_partition_by(config.get('partition_by', none)), config.get('cluster_by', none))
    ) -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{%- endmacro %}
