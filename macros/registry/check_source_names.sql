{#- Nothing, or a warning per model that picks records by a `source_name` that none has: it would have no row of them, in silence. Read in
    the SQL of models over profile_records and account_records. Run by on-run-start: only then all models are known. -#}
{% macro check_source_names() -%}
    {%- if execute -%}
        {%- set picked = [] -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and headwater._reads_records(node) -%}
            {%- set code = modules.re.sub('(?s)--[^\n]*|/[*].*?[*]/|[{]#.*?#[}]', '', node.raw_code) -%}
            {%- for words in modules.re.findall("(?is)source_name\\s*(?:=|\\bin\\b)\\s*([(][^)]*[)]|'[^']*')", code) -%}
                {%- for name in modules.re.findall("'([^'{}]*)'", words) -%}
                    {%- do picked.append({'node': node, 'name': name}) -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if picked -%}
            {%- set names = [] -%}
            {%- for entity in headwater.setting('cdp_identity') -%}
                {%- do names.extend(headwater.record_sources(entity) | map(attribute='source_name') | reject('in', names)) -%}
            {%- endfor -%}
            {%- for one in picked if one.name not in names -%}
                {%- do exceptions.warn(
                    one.node.name ~ ' (' ~ one.node.original_file_path ~ "), source_name: '" ~ one.name ~ "' is not one of " ~ names | join(', ')
                    ~ headwater.nearest(one.name, names) ~ ', so no record is picked by it. It is what the record: of the model says, or else its name.'
                ) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _reads_records(node) -%}
    {{ return(node.depends_on.nodes | select('in', ['model.headwater.profile_records', 'model.headwater.account_records']) | list | length > 0) }}
{%- endmacro %}
