{#- Nothing: notes that no sync of the project sends to a destination, though it does to one of nearly that name; warns where none is near, since
    the sync may come later. Exposures are known only once dbt has parsed. -#}
{% macro check_destination(name, path, walk) -%}
    {%- set known = [] -%}
    {%- for exposure in (graph.get('exposures', {}).values() if execute else []) -%}
        {%- set sync = (exposure.config.get('meta') or {}).get('sync') -%}
        {%- if sync is mapping and sync.get('destination') -%}
            {%- do known.append(sync['destination']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if known and name not in known -%}
        {%- set message = "no sync sends to '" ~ name ~ "'" ~ (headwater.nearest(name, known) or '.') ~ " Syncs send to " ~ known | unique | sort | join(', ') -%}
        {%- if headwater.nearest(name, known) -%}
            {%- do headwater.note_problem(walk, path, message) -%}
        {%- else -%}
            {%- do exceptions.warn(model.name ~ ', ' ~ path ~ ': ' ~ message ~ '; its touchpoints go nowhere until one does.') -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
