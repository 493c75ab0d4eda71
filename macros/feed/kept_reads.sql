{#- Relation: what the n-th select of a by_key model reads of raw values, per row: its key and _reads_of. Kept, so that what could not be read
    is counted in every build without reading everything again. -#}
{% macro _kept_reads(n) -%}
    {{ return(headwater._feed_relation('reads_' ~ n)) }}
{%- endmacro %}

{#- Value: whether the reads of each of a model's selects are kept. -#}
{% macro _are_reads_kept(selects) -%}
    {%- for select in selects -%}
        {%- if load_cached_relation(headwater._kept_reads(loop.index)) is none -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{#- Statements: keeps the reads of all rows, or of the touched keys' alone, which `reads` are then of. -#}
{% macro _keep_reads(selects, reads, touched) -%}
    {%- if selects -%}
        {%- for read in reads if read.key != reads[0].key -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ": materialized='by_key': a model that reads raw values has one key, and this has " ~ reads[0].key ~ ' and ' ~ read.key
                ~ '. Read each relation in a model of its own.'
            ) }}
        {%- endfor -%}
    {%- endif -%}
    {%- set placeholders = headwater.unread_settings().placeholders -%}
    {%- for select in selects -%}
        {%- set kept = headwater._kept_reads(loop.index) -%}
        {%- set query = headwater._reads_of(select, placeholders, reads[0].key) -%}
        {%- if touched is none -%}
            {%- do run_query('create or replace table ' ~ kept ~ ' as ' ~ query) -%}
        {%- else -%}
            {%- do headwater._delete_touched(kept, 'row_key', touched) -%}
            {%- do run_query('insert into ' ~ kept ~ ' ' ~ headwater._reading(query, reads)) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: what could not be read of the kept reads, as of _count_unread_of. -#}
{% macro _count_kept_reads(selects) -%}
    {%- set found = [] -%}
    {%- for select in selects -%}
        {%- do found.extend(headwater._count_unread_of(select, headwater._kept_reads(loop.index))) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
