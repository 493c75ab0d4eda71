{#- Relation-shaped query: the rows of a relation, for a model that is `materialized='by_key'`, which then reads only those whose key has new,
    changed or gone rows since its last build; for any other model all of them. `key` is SQL over the relation's columns; as text it is
    what the model's `unique_key` holds. -#}
{% macro rows_by_key(relation, key) -%}
    {{ return('(/* rows by key: ' ~ key ~ ' */ select * from ' ~ relation ~ ' /* end of rows */)') }}
{%- endmacro %}

{#- Value: what a by_key model's SQL reads by key, once each: {text, key, relation}, the text as it stands there. -#}
{% macro _reads_by_key(code) -%}
    {%- set found, texts = [], [] -%}
    {%- for key, relation in modules.re.findall('(?s)[(]/[*] rows by key: (.*?) [*]/ select [*] from (.*?) /[*] end of rows [*]/[)]', code) -%}
        {%- set text = '(/* rows by key: ' ~ key ~ ' */ select * from ' ~ relation ~ ' /* end of rows */)' -%}
        {%- if text not in texts -%}
            {%- do texts.append(text) -%}
            {%- do found.append({'text': text, 'key': 'cast(' ~ key ~ ' as ' ~ dbt.type_string() ~ ')', 'relation': relation}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: the same reads of the rows of the touched keys alone, copied once: all that follows from them in this build then follows from the
    same rows, while somebody loads. Statements. -#}
{% macro _reads_of_touched_keys(reads, touched) -%}
    {%- set found = [] -%}
    {%- for read in reads -%}
        {%- set rows = headwater.scratch_relation('rows_' ~ loop.index) -%}
        {%- do headwater.create_scratch(
            rows, 'select * from ' ~ read.relation ~ ' where ' ~ read.key ~ ' in (select row_key from ' ~ touched ~ ')'
        ) -%}
        {%- do found.append({'text': read.text, 'key': read.key, 'relation': rows}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Text: the same SQL over other relations in place of those it reads by key. -#}
{% macro _reading(code, reads) -%}
    {%- set changed = namespace(code=code) -%}
    {%- for read in reads -%}
        {%- set changed.code = changed.code | replace(read.text, '(select * from ' ~ read.relation ~ ')') -%}
    {%- endfor -%}
    {{ return(changed.code) }}
{%- endmacro %}

{#- Nothing, or an error: what a by_key model reads, it reads by key, or a change elsewhere would not show in it. -#}
{% macro _check_reads_by_key(reads) -%}
    {%- set relations = [] -%}
    {%- for read in reads if read.relation not in relations -%}{%- do relations.append(read.relation) -%}{%- endfor -%}
    {%- if not config.get('unique_key') or config.get('unique_key') is not string -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ": materialized='by_key' wants a unique_key, the column that holds the key of rows_by_key; got "
            ~ config.get('unique_key') ~ '.'
        ) }}
    {%- elif relations | length != model.depends_on.nodes | length or not relations -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ": materialized='by_key' must read everything by key, and reads " ~ relations | length ~ ' of '
            ~ model.depends_on.nodes | length ~ ' so: ' ~ model.depends_on.nodes | join(', ')
            ~ ". Write `from {{ headwater.rows_by_key(source(...), 'key') }}`, or materialize it as a table."
        ) }}
    {%- endif -%}
    {%- for read in reads if '__dbt__cte__' in read.relation -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ": materialized='by_key' cannot read an ephemeral model (" ~ read.relation ~ '); make that a view.'
        ) }}
    {%- endfor -%}
{%- endmacro %}
