{#- Nothing, or an error that names the columns in which a source differs from its YAML; called by the data test
    declared_columns. A nested column (`context.traits.email`) must stand in some row of its JSON, unless its meta says that it is optional; what
    type the JSON itself has is nobody's business. Types are compared as dbt compares those of a contract: by two queries without rows. -#}
{% macro check_declared_columns(relation) -%}
    {%- set source = graph.sources[model.depends_on.nodes | first] -%}
    {%- set found = {} -%}
    {%- for column in format_columns(get_column_schema_from_query('select * from ' ~ relation)) -%}
        {%- do found.update({column.name | lower: column.data_type}) -%}
        {#- dbt tells of a struct by its fields. -#}
        {%- if '.' in column.name -%}{%- do found.update({headwater._parent_of(column.name) | lower: 'a struct'}) -%}{%- endif -%}
    {%- endfor -%}
    {%- set wrong, plain, nested, parents = [], {}, [], [] -%}
    {%- for name, column in source.columns.items() -%}
        {%- if column.quote or modules.re.fullmatch('[A-Za-z0-9_]+', name) -%}
            {%- do plain.update({name: column}) -%}
        {%- elif modules.re.fullmatch('[A-Za-z0-9_]+[.\\[].+', name) -%}
            {%- do nested.append(column) -%}
            {%- do parents.append(headwater._parent_of(name) | lower) -%}
        {%- else -%}
            {%- do wrong.append("'" ~ name ~ "' wants quote: true beside its name, and quotes in the model") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do wrong.extend(headwater._nested_columns_missing(relation, nested, found)) -%}
    {%- for column in (format_columns(get_column_schema_from_query(get_empty_schema_sql(plain))) if plain else []) -%}
        {%- set name = column.name | lower -%}
        {%- if name not in found -%}
            {%- do wrong.append(name ~ ' is missing') -%}
        {%- elif not headwater._is_of_type(found[name], column.data_type) and name not in parents -%}
            {%- do wrong.append(name ~ ' is ' ~ found[name] ~ ', declared as ' ~ column.data_type) -%}
        {%- endif -%}
        {%- do found.pop(name, none) -%}
    {%- endfor -%}
    {%- for name in found | list if headwater._parent_of(name) | lower in parents -%}{%- do found.pop(name) -%}{%- endfor -%}
    {%- if wrong -%}
        {{ exceptions.raise_compiler_error(
            'source ' ~ source.source_name ~ '.' ~ source.name ~ ' is not what ' ~ source.original_file_path
            ~ ' declares: ' ~ wrong | join('; ') ~ '.'
            ~ (' Undeclared: ' ~ found.keys() | join(', ') ~ '.' if found else '')
            ~ ' Mend the load; or, if the change is meant, the declaration and the staging model.'
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- Value: whether a column arrives as the type that is declared. How wide a number is says nothing of what it means: a loader takes what fits its values,
    so that whole numbers are one type, and so are those with a floating point. -#}
{% macro _is_of_type(found, declared) -%}
    {%- set whole = '(?i)u?(?:tiny|small|medium|big|huge)?int(?:eger|[0-9]+)?' -%}
    {%- set floating = '(?i)float[48]?|float64|real|double(?: precision)?' -%}
    {%- for kind in [whole, floating] if modules.re.fullmatch(kind, declared) and modules.re.fullmatch(kind, found) -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(found == declared) }}
{%- endmacro %}

{#- Value: the column that a nested one is in. -#}
{% macro _parent_of(name) -%}
    {{ return(modules.re.split('[.\\[]', name)[0]) }}
{%- endmacro %}

{#- Value: what is wrong with nested columns. One scan asks for all of them. -#}
{% macro _nested_columns_missing(relation, nested, found) -%}
    {%- set wrong, counts, asked = [], [], [] -%}
    {%- for column in nested -%}
        {%- set parent = headwater._parent_of(column.name) -%}
        {%- if parent | lower not in found -%}
            {%- do wrong.append(parent ~ ' is missing') if parent ~ ' is missing' not in wrong -%}
        {%- else -%}
            {%- set path = column.name[parent | length:].lstrip('.') -%}
            {%- set document = headwater.json_document(parent) -%}
            {%- set value = headwater.json_text_at(document, headwater.json_steps('declared_columns', path)) -%}
            {%- do asked.append(column) -%}
            {%- do counts.append('count(' ~ value ~ ') as found_' ~ asked | length) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if asked -%}
        {%- set row = run_query('select count(*) as row_count, ' ~ counts | join(', ') ~ ' from ' ~ relation).rows[0].values() -%}
        {%- for column in asked -%}
            {%- if row[0] | int and not row[loop.index] | int and not column.config.get('meta', {}).get('optional') -%}
                {%- do wrong.append(column.name ~ ' is in no row (config: {meta: {optional: true}} where it may be)') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(wrong) }}
{%- endmacro %}
