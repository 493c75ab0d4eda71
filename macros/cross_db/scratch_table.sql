{#- Relation: a table of one materialisation's own, named after it, for the steps of a loop. A real table where temporary
    ones do not outlive a statement (BigQuery, and DuckDB on dbt's v2); else on DuckDB a temporary one, which is not written to the file. -#}
{% macro scratch_relation(name) -%}
    {{ return(adapter.dispatch('scratch_relation', 'headwater')(name)) }}
{%- endmacro %}

{% macro default__scratch_relation(name) -%}
    {{ return(this.incorporate(path={'identifier': this.identifier ~ '__scratch_' ~ name}, type='table')) }}
{%- endmacro %}

{% macro duckdb__scratch_relation(name) -%}
    {%- if not headwater._keeps_its_connection() -%}
        {{ return(headwater.default__scratch_relation(name)) }}
    {%- endif -%}
    {{ return(api.Relation.create(
        database='temp', schema='main', identifier=this.identifier ~ '__scratch_' ~ name, type='table'
    )) }}
{%- endmacro %}

{#- Value: whether a statement runs on the connection of the one before it, which temporary tables are of: dbt's v2 opens one for each. -#}
{% macro _keeps_its_connection() -%}
    {{ return(dbt_version.startswith('1.')) }}
{%- endmacro %}

{#- Statement: fills a scratch table from a query, replacing what was there. -#}
{% macro create_scratch(relation, query) -%}
    {%- do run_query(adapter.dispatch('create_scratch_sql', 'headwater')(relation, query)) -%}
{%- endmacro %}

{% macro default__create_scratch_sql(relation, query) -%}
    create or replace table {{ relation }} as {{ query }}
{%- endmacro %}

{% macro duckdb__create_scratch_sql(relation, query) -%}
    {%- if headwater._keeps_its_connection() %}
    create or replace temp table {{ relation.include(database=false, schema=false) }} as {{ query }}
    {%- else -%}
    {{ headwater.default__create_scratch_sql(relation, query) }}
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__create_scratch_sql(relation, query) -%}
    create or replace transient table {{ relation }} as {{ query }}
{%- endmacro %}

{#- Statement: drops scratch tables. Dropping one that is not there is no error. -#}
{% macro drop_scratch(relations) -%}
    {%- for relation in relations -%}
        {%- do run_query("drop table if exists " ~ relation) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Statement: drops every scratch table of the model at `relation`: what an earlier run left behind when it broke off, or
    what this one would leave. -#}
{% macro drop_leftover_scratch(relation=this) -%}
    {%- do adapter.dispatch('drop_leftover_scratch', 'headwater')(relation) -%}
{%- endmacro %}

{% macro default__drop_leftover_scratch(relation) -%}
    {%- set prefix = relation.identifier ~ '__scratch_' -%}
    {%- set found = run_query(
        "select table_name from " ~ relation.information_schema('TABLES') ~ " where lower(table_schema) = '"
        ~ relation.schema | lower ~ "' and left(lower(table_name), " ~ prefix | length ~ ") = '" ~ prefix | lower ~ "'"
    ) -%}
    {%- for name in found.columns[0].values() -%}
        {%- do run_query("drop table if exists " ~ relation.incorporate(path={'identifier': name}, type='table')) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Temporary tables are those of this connection. -#}
{% macro duckdb__drop_leftover_scratch(relation) -%}
    {%- set found = run_query(
        "select database_name, schema_name, table_name from duckdb_tables() where (temporary or schema_name = '" ~ relation.schema
        ~ "') and starts_with(table_name, '" ~ relation.identifier ~ "__scratch_')"
    ) -%}
    {%- for row in found.rows -%}
        {%- do headwater.drop_scratch([api.Relation.create(database=row[0], schema=row[1], identifier=row[2], type='table')]) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Statements for on-run-end: drops the scratch tables of models that failed, whose own statements had no chance to. -#}
{% macro drop_scratch_of_failures(results) -%}
    {%- if execute -%}
        {%- for result in results or [] if result.status == 'error' and result.node.resource_type == 'model' -%}
            {%- if result.node.config.materialized in ['components', 'identity_links', 'by_key'] -%}
                {%- do headwater.drop_leftover_scratch(api.Relation.create(
                    database=result.node.database, schema=result.node.schema, identifier=result.node.alias
                )) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
