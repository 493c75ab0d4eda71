{#- Relation-shaped query: the syncs of the project, one row per exposure that defines one.
    Columns: sync_name, destination, object_kind, object_name, mode, entity, audience_name, channel.
    `entity` is person, account or touchpoint, by the first column of the sync's key. `audience_name` is the one audience that
    the activation model of a set reads directly; null when it reads none or several, or when people are only updated. Read from dbt's graph, so that an exposure is the one
    place where a sync is defined; the graph is complete only when SQL runs, so no exposure can be a `ref` here. -#}
{% macro sync_definitions() -%}
{%- set entities = {'profile_id': 'person', 'account_id': 'account', 'touchpoint_id': 'touchpoint'} -%}
{%- set string = dbt.type_string() -%}
{%- set rows = [] -%}
{%- if execute -%}
    {%- for exposure in graph.exposures.values() -%}
        {%- set sync = headwater._sync_of(exposure) -%}
        {%- if sync -%}
            {%- set audiences = [] -%}
            {%- for model in exposure.depends_on.nodes if model in graph.nodes -%}
                {%- for parent in graph.nodes[model].depends_on.nodes if parent in graph.nodes -%}
                    {%- set name = graph.nodes[parent].name -%}
                    {%- if name.startswith('audience_') and graph.nodes[parent].resource_type == 'model'
                            and name != 'audience_holdouts' -%}
                        {%- do audiences.append(name) -%}
                    {%- endif -%}
                {%- endfor -%}
            {%- endfor -%}
            {%- set object = sync.get('object') or {} -%}
            {%- set key = sync.get('key') or [''] -%}
            {%- set keeps_a_set = sync.get('mode') in ['mirror', 'replace', 'add', 'remove'] -%}
            {%- do rows.append([
                sync.get('id') or exposure.name,
                sync.get('destination'),
                (object | list | first) if object is mapping else object,
                (object.values() | list | first) if object is mapping else none,
                sync.get('mode'),
                entities.get(key if key is string else key[0]),
                sync.get('audience')
                    or (audiences[0] if keeps_a_set and audiences | unique | list | length == 1 else none),
                (sync.get('consent') or {}).get('channel'),
            ]) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endif -%}
{%- set columns = [
    'sync_name', 'destination', 'object_kind', 'object_name', 'mode', 'entity', 'audience_name', 'channel',
] -%}
{%- for row in rows or [[none] * columns | length] %}
select
    {%- for column in columns %}
    cast({{ headwater.string_literal(row[loop.index0]) if row[loop.index0] is not none else 'null' }} as {{ string }}) as {{ column }}
    {{- ',' if not loop.last }}
    {%- endfor %}
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}
