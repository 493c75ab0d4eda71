{#- Value: {relations, doubt} of compiled SQL: the relations that it names after from and join, as it writes them, and in words why these may not be
    all that its rows follow from: the clock, chance, a table function, a name that is neither a relation's nor a subquery's.

    A doubt costs a table that is made again; a relation that is not seen would cost a wrong one. So a list with commas, brackets around a join and names in
    parts anywhere else are looked for too. -#}
{% macro _relations_read(code) -%}
    {%- set part = '(?:"[^"]+"|`[^`]+`|[A-Za-z_][A-Za-z_0-9$-]*)' -%}
    {%- set name = part ~ '(?:[.]' ~ part ~ ')*' -%}
    {#- Without comments and texts; quoted names stay, whatever is in them. -#}
    {%- set plain = modules.re.sub('(?is)("[^"]*"|`[^`]*`)|/[*].*?[*]/|--[^\\n]*|' ~ headwater.string_pattern(), ' \\1 ', code) -%}
    {%- set plain = modules.re.sub('\\s*[.]\\s*', '.', plain) -%}
    {%- set plain = modules.re.sub('(?is)\\bdistinct\\s+from\\b|\\b(?:extract|trim|substring|overlay|position)\\s*[(][^()]*?\\bfrom\\b', ' ', plain) -%}

    {%- set subqueries = [] -%}
    {%- for subquery in modules.re.findall('(?is)(' ~ part ~ ')\\s*(?:[(][^()]*[)]\\s*)?\\bas\\s+(?:not\\s+)?(?:materialized\\s+)?[(]', plain) -%}
        {%- do subqueries.append(subquery | lower) -%}
    {%- endfor -%}
    {%- set relations, doubts = [], [] -%}
    {%- for found, bracket in modules.re.findall('(?is)\\b(?:from|join)\\s+(?:lateral\\s+)?(' ~ name ~ ')\\s*([(]?)', plain) -%}
        {%- if bracket -%}
            {%- if found | lower not in headwater._functions_of_rows() -%}{%- do doubts.append(found ~ '()') -%}{%- endif -%}
        {%- elif found | lower in subqueries -%}
        {%- elif '.' in found -%}
            {%- if found not in relations -%}{%- do relations.append(found) -%}{%- endif -%}
        {%- else -%}
            {%- do doubts.append(found) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for found in modules.re.findall('(?is)\\b(?:from|join)\\s+[(][(\\s]*(' ~ name ~ ')', plain) if found | lower not in ['select', 'with', 'values', 'from'] -%}
        {%- do doubts.append('(' ~ found) -%}
    {%- endfor -%}
    {%- for found in modules.re.findall('(?is)\\b(?:from|join)\\s+' ~ name ~ '(?:\\s+(?:as\\s+)?' ~ part ~ ')?\\s*,\\s*(?:lateral\\s+)?(' ~ name ~ ')', plain)
        if found | lower not in headwater._functions_of_rows() -%}
        {%- do doubts.append(', ' ~ found) -%}
    {%- endfor -%}
    {%- for found in modules.re.findall(part ~ '[.]' ~ part ~ '[.]' ~ part, plain) if found not in relations -%}
        {%- do doubts.append(found) -%}
    {%- endfor -%}
    {%- if doubts -%}
        {{ return({'relations': relations, 'doubt': 'its SQL has ' ~ doubts | unique | join(', ')}) }}
    {%- endif -%}
    {%- set moving = modules.re.findall(headwater._what_moves(), plain) + modules.re.findall("(?i)'(?:now|today|tomorrow|yesterday)'", code) -%}
    {{ return({'relations': relations, 'doubt': 'its SQL has ' ~ moving | unique | join(', ') ~ ', which differs by itself' if moving else ''}) }}
{%- endmacro %}

{#- Value: functions whose rows follow from what they are given. -#}
{% macro _functions_of_rows() -%}
    {{ return(['unnest', 'range', 'generate_series', 'table', 'flatten', 'lateral']) }}
{%- endmacro %}

{#- Value: a pattern of what gives another answer though nothing was changed: the clock, chance, who asks. -#}
{% macro _what_moves() -%}
    {{ return(
        '(?is)\\b(?:current_(?:timestamp|date|time|datetime|user|role|database|schema|session|warehouse|setting)|localtime|localtimestamp|sysdate|systimestamp'
        ~ '|session_user|tablesample|using\\s+sample)\\b'
        ~ '|\\b(?:now|today|getdate|get_current_[a-z]+|age|random|rand|uuid[a-z_0-9]*|gen_random_uuid|generate_uuid|uuid_string|uniform|normal|zipf|randstr|seq[1248]'
        ~ '|nextval|currval|getvariable|getenv|transaction_timestamp|statement_timestamp|clock_timestamp|txid_current|query|query_table|result_scan)\\s*[(]'
        ~ '|[.]nextval\\b|[$][a-z_]'
    ) }}
{%- endmacro %}
