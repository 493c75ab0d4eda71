{#- Value: the names of models of one kind that a company has, in its order: var `cdp_registry`, else the demo's where it is
    on, else none. Only names are listed, since only `ref` needs them while dbt parses; what a model is stands in its own
    config and contract.
    kind: records (the most trusted first), consents, traits, account_traits, product_line_traits, conversions, audiences, journeys. -#}
{% macro registry(kind) -%}
    {%- set kinds = ['records', 'consents', 'traits', 'account_traits', 'product_line_traits', 'conversions', 'audiences', 'journeys'] -%}
    {%- set given = var('cdp_registry', none) -%}
    {%- if given is none -%}
        {%- set given = headwater.demo_registry() if headwater.demo_registry is defined and headwater.has_demo() else {} -%}
    {%- endif -%}
    {%- if given is not mapping -%}
        {%- do headwater._registry_error('', 'is no mapping of kinds of models to lists of their names') -%}
    {%- endif -%}
    {%- for key in given if key not in kinds -%}
        {%- do headwater._registry_error('', "'" ~ key ~ "' is not one of " ~ kinds | join(', ') ~ headwater.nearest(key, kinds)) -%}
    {%- endfor -%}
    {%- set names = given.get(kind) or [] -%}
    {%- if names is string or names is mapping or names is not sequence -%}
        {%- do headwater._registry_error('.' ~ kind, 'is no list of names of models') -%}
    {%- endif -%}
    {%- for name in names -%}
        {%- if name is not string -%}
            {%- do headwater._registry_error('.' ~ kind, "'" ~ name ~ "' is no name of a model") -%}
        {%- elif names.index(name) != loop.index0 -%}
            {%- do headwater._registry_error('.' ~ kind, "'" ~ name ~ "' is there twice") -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#- Value: the node of a model, seed or snapshot by its name; an empty mapping while dbt parses and in unit tests, when it knows
    of none. -#}
{% macro registered_node(kind, name) -%}
    {%- if not headwater.knows_graph() -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set node = headwater.node_named(name) -%}
    {%- if node -%}
        {{ return(node) }}
    {%- endif -%}
    {%- do headwater._registry_error('.' ~ kind, "'" ~ name ~ "' is no model of this project; take it out or write the model") -%}
{%- endmacro %}

{#- Value: whether the project's nodes are known: not while dbt parses, and not in its unit tests, where dbt's v2 engine would know them. -#}
{% macro knows_graph() -%}
    {%- set in_unit_test = model is defined and model.resource_type == 'unit_test' -%}
    {{ return(execute and not in_unit_test and graph.get('nodes') is not none and graph.get('nodes') | length > 0) }}
{%- endmacro %}

{#- Value: {name: data_type} of a registered model's columns: those of its contract, else of its table or view. Empty where neither
    is known yet. -#}
{% macro model_column_types(kind, name) -%}
    {%- set node = headwater.registered_node(kind, name) -%}
    {%- set columns = {} -%}
    {%- for column in (node.columns or {}).values() -%}
        {%- do columns.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- if node and not node.config.contract.enforced -%}
        {%- set relation = api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias) -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do columns.update({column.name | lower: column.data_type}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Nothing, or an error for a model of this kind that the registry does not name: nothing would read it.
    prefix: how the names of such models begin. -#}
{% macro check_registered(kind, prefix, apart=[]) -%}
    {%- if headwater.knows_graph() -%}
        {%- set names = headwater.registry(kind) -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.name.startswith(prefix) and node.name not in names + apart -%}
            {%- do headwater._registry_error('.' ~ kind, "'" ~ node.name ~ "' (" ~ node.original_file_path
                ~ ") is missing; nothing reads it before its name is added to the list") -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro _registry_error(where, message) -%}
    {%- do headwater.stop_setting(headwater._sentence('vars: cdp_registry' ~ where ~ ': ' ~ message) ~ ' See docs/adopt.md.') -%}
{%- endmacro %}
