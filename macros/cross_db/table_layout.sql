{#- Nothing: sets the layout of a model's big table, in parts by month of a timestamp, and rows near each other that have
    the same values in `clusters`. Only BigQuery bills by what is read and keeps the layout for nothing. Snowflake charges
    for it, and a table written in one go is in parts by itself; DuckDB has no need.
    By month, not by day: one statement may write at most 4,000 parts, which eleven years of days are. -#}
{% macro table_layout(month, clusters) -%}
    {%- do adapter.dispatch('table_layout', 'headwater')(month, clusters) -%}
{%- endmacro %}

{% macro default__table_layout(month, clusters) -%}
{%- endmacro %}

{% macro bigquery__table_layout(month, clusters) -%}
    {%- do config(
        partition_by={'field': month, 'data_type': 'timestamp', 'granularity': 'month'}, cluster_by=clusters
    ) -%}
{%- endmacro %}

{#- Clause: the same rows-near-each-other for a `create table` of our own; empty elsewhere. -#}
{% macro cluster_clause(clusters) -%}
    {{ return(adapter.dispatch('cluster_clause', 'headwater')(clusters)) }}
{%- endmacro %}

{% macro default__cluster_clause(clusters) -%}
    {{ return('') }}
{%- endmacro %}

{% macro bigquery__cluster_clause(clusters) -%}
    {{ return(' cluster by ' ~ clusters | join(', ') if clusters else '') }}
{%- endmacro %}
