{#- Value: names of views that cannot be made in this warehouse, since their schema is called as the database is. -#}
{% macro ambiguous_views() -%}
    {{ return(adapter.dispatch('ambiguous_views', 'headwater')()) }}
{%- endmacro %}

{% macro default__ambiguous_views() -%}
    {{ return([]) }}
{%- endmacro %}

{#- DuckDB keeps the query of a view without the name of its own database, so that "nf"."nf"."a" becomes nf.a, which it then calls ambiguous
    (nf.duckdb, schema nf). Tables, and views of other schemas, are not. -#}
{% macro duckdb__ambiguous_views() -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'view'
            and node.schema | lower == (node.database or '') | lower -%}
        {%- set beside = [] -%}
        {%- for id in node.depends_on.nodes -%}
            {%- set parent = graph.nodes.get(id) or graph.sources.get(id) -%}
            {%- if parent and parent.schema | lower == node.schema | lower -%}{%- do beside.append(id) -%}{%- endif -%}
        {%- endfor -%}
        {%- if beside -%}{%- do found.append(node.name) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
