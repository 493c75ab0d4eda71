{#- Nothing, or a warning per source that DuckDB reads from a file of CSV in a way that may leave out rows without a word: lines that begin with a # are
    comments where most do (`#1001` of orders above a line of totals), ignore_errors leaves out what does not parse, and a bare path has its
    types guessed. Run by on-run-start (check_settings): only then all sources are known. -#}
{% macro tell_of_readers() -%}
    {%- for source in graph.sources.values() -%}
        {%- set meta = source.get('meta') or (source.get('config') or {}).get('meta') or {} -%}
        {%- set reader = (meta.get('external_location') or (source.get('source_meta') or {}).get('external_location') or '') | string | lower -%}
        {%- set said = [] -%}
        {%- if modules.re.search('read_csv', reader) -%}
            {%- if not modules.re.search('comment[ ]*=', reader) -%}
                {%- do said.append("takes lines that begin with # for comments where most do, and leaves them out: add comment=''") -%}
            {%- endif -%}
            {%- if modules.re.search('(ignore_errors|store_rejects)[ ]*=[ ]*true', reader) -%}
                {%- do said.append('leaves out lines that do not parse (ignore_errors, store_rejects): take that out, and mend the file or say its quote, escape and delim') -%}
            {%- endif -%}
        {%- elif modules.re.search('[.](csv|tsv|txt)([.]gz|[.]zst)?$', reader) -%}
            {%- do said.append("guesses types and comments: write read_csv('...', all_varchar=true, comment='')") -%}
        {%- endif -%}
        {%- if said -%}
            {%- do exceptions.warn(
                'source ' ~ source.source_name ~ '.' ~ source.name ~ ' (' ~ source.original_file_path ~ '), external_location: DuckDB '
                ~ said | join('; and ') ~ '. See docs/add-a-source.md.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
