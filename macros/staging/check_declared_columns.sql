{#- Nothing, or an error that names the columns in which a source differs from its YAML; called by the data test
    declared_columns. Types are compared as dbt compares those of a contract: by two queries without rows. -#}
{% macro check_declared_columns(relation) -%}
    {%- set source = graph.sources[model.depends_on.nodes | first] -%}
    {%- set found = {} -%}
    {%- for column in format_columns(get_column_schema_from_query('select * from ' ~ relation)) -%}
        {%- do found.update({column.name | lower: column.data_type}) -%}
    {%- endfor -%}
    {%- set wrong = [] -%}
    {%- for column in format_columns(get_column_schema_from_query(get_empty_schema_sql(source.columns))) -%}
        {%- set name = column.name | lower -%}
        {%- if name not in found -%}
            {%- do wrong.append(name ~ ' is missing') -%}
        {%- elif found[name] != column.data_type -%}
            {%- do wrong.append(name ~ ' is ' ~ found[name] ~ ', declared as ' ~ column.data_type) -%}
        {%- endif -%}
        {%- do found.pop(name, none) -%}
    {%- endfor -%}
    {%- if wrong -%}
        {{ exceptions.raise_compiler_error(
            'source ' ~ source.source_name ~ '.' ~ source.name ~ ' is not what ' ~ source.original_file_path
            ~ ' declares: ' ~ wrong | join('; ') ~ '.'
            ~ (' Undeclared: ' ~ found.keys() | join(', ') ~ '.' if found else '')
            ~ ' Mend the load; or, if the change is meant, the declaration and the staging model.'
        ) }}
    {%- endif -%}
{%- endmacro %}
