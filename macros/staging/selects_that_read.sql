{#- Value: the selects of a compiled model that hold reads (counted_read), each so that it can be run by itself with more columns:
    {ctes, start, rest, reads: [{column, raw, sql}]}. `ctes` are those that come before it, `start` ends behind the word select.

        with source as (select ... from raw), orders as (select /* read: created */ ... /* read end */ as at from source) select * from orders
        ctes: with source as (select ... from raw)    start: select    rest: , /* read ... as at from source

    A select that groups keeps only what is from its from to its group by: what it reads is read before it is grouped. So does what a where reads: of
    the rows before it, since those that it leaves out for being unread are lost. What a select without a from reads (lateral) is of the rows of
    the select around it. -#}
{% macro _selects_that_read(code) -%}
    {%- if '/* read: ' not in code -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set token = modules.re.compile(
        '(?is)(/[*].*?[*]/|--[^\\n]*|' ~ headwater.string_pattern() ~ '|"[^"]*"|`[^`]*`|[()]|\\bselect\\b(?:\\s+distinct\\b)?|\\bfrom\\b'
        ~ '|\\bwhere\\b|\\bgroup\\s+by\\b|\\bunion\\b|\\bintersect\\b|\\bexcept\\s+(?:all|distinct|select)\\b|\\bwith\\b)'
    ) -%}
    {%- set kinds = {'(': 'open', ')': 'close', 'union': 'set', 'intersect': 'set', 'except': 'set', '/*': 'read'} -%}
    {%- set found, open_reads = [], [] -%}
    {%- set frames = [{'select': none}] -%}
    {%- set at = namespace(ctes_end=0, in_main=false, start=0, end=0) -%}
    {#- By turns what is between two words and such a word, from `at.start` to `at.end`. -#}
    {%- for between, word in token.split(code ~ '\n)') | batch(2, '') if word -%}
        {%- set at.start = at.end + between | length -%}
        {%- set at.end = at.start + word | length -%}
        {%- set first = (word | lower).split() | first -%}
        {%- set kind = 'end' if word == '/* read end */' else 'other' if first == '/*' and not word.startswith('/* read: ') else kinds.get(first, first) -%}
        {%- set frame = frames[-1] -%}
        {%- if kind == 'open' -%}
            {%- do frames.append({'select': none}) -%}
        {%- elif kind == 'with' and frames | length > 1 and frame['select'] is none -%}
            {%- do frame.update({'with': at.end, 'ctes_end': at.end}) -%}
        {%- elif kind == 'select' and frame['select'] is none -%}
            {%- do frame.update({'select': {'start': at.start, 'end': at.end}, 'reads': [], 'from': none, 'where': none, 'group': none}) -%}
            {%- if frames | length == 1 -%}{%- set at.in_main = true -%}{%- endif -%}
        {%- elif kind in ['from', 'where', 'group'] and frame['select'] and not frame[kind] -%}
            {%- do frame.update({kind: at.start}) -%}
        {%- elif kind == 'read' -%}
            {%- set owners = frames | selectattr('select') | list -%}
            {%- set raw = word[9:-3] -%}
            {%- set read = {
                'raw': raw, 'column': headwater._column_of(raw), 'start': at.end, 'in_where': owners and owners[-1]['where'] is not none,
            } -%}
            {%- do open_reads.append(read) -%}
            {%- do owners[-1]['reads'].append(read) if owners -%}
        {%- elif kind == 'end' and open_reads -%}
            {%- set read = open_reads.pop() -%}
            {%- do read.update({'sql': code[read.start:at.start]}) -%}
        {%- elif kind in ['close', 'set'] -%}
            {%- set around = (frames[:-1] | selectattr('select') | list)[-1:] if kind == 'close' else [] -%}
            {%- if frame['select'] and frame['from'] is none and around -%}
                {%- do around[0]['reads'].extend(frame['reads']) -%}
            {%- elif frame['select'] and frame['reads'] -%}
                {#- A with inside brackets goes on where the one around it ends. -#}
                {%- set ctes = [code[:at.ctes_end]] -%}
                {%- for one in frames if one['with'] and one['ctes_end'] > one['with'] -%}
                    {%- do ctes.append((', ' if ctes | join | trim else 'with ') ~ code[one['with']:one['ctes_end']]) -%}
                {%- endfor -%}
                {%- set select = frame['select'] -%}
                {%- set end = [at.start, code | length] | min -%}
                {%- set rest = ' ' ~ code[frame['from']:frame['group']] if frame['group'] and frame['from'] else ', ' ~ code[select.end:end] -%}
                {#- What is read alike in several places (a JSON column) is one read, of all the rows that one of them has. -#}
                {%- set reads = {} -%}
                {%- for read in (frame['reads'] | selectattr('in_where') | list) + (frame['reads'] | rejectattr('in_where') | list) -%}
                    {%- do reads.setdefault(read.raw ~ read.sql, read) -%}
                {%- endfor -%}
                {%- for in_where, of_these in [(false, rest), (true, ' ' ~ code[frame['from']:frame['where']])] -%}
                    {%- set those = reads.values() | selectattr('in_where', 'equalto', in_where) | list -%}
                    {%- if those -%}
                        {%- do found.append({
                            'ctes': ctes | join, 'start': code[select.start:select.end], 'rest': of_these, 'reads': those,
                        }) -%}
                    {%- endif -%}
                {%- endfor -%}
            {%- endif -%}
            {%- do frame.update({'select': none, 'reads': []}) -%}
            {%- if kind == 'close' and frames | length > 1 -%}
                {%- do frames.pop() -%}
                {%- if frames | length == 1 and not at.in_main -%}{%- set at.ctes_end = at.end -%}{%- endif -%}
                {%- do frames[-1].update({'ctes_end': at.end}) if frames[-1]['with'] and not frames[-1]['select'] -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: the column that an expression is about, as a setting names it: the first word that is no function; of a value in a
    JSON column with the path to it (`context.traits.email`). -#}
{% macro _column_of(expression) -%}
    {%- set bare = modules.re.sub('("[^"]*"|`[^`]*`)|' ~ "'[^']*'", '\\1', expression) -%}
    {#- Names in quotes are whole, whatever is in them; a word before a bracket is a function, one before a dot a table. -#}
    {%- set quoted = '"([^"]+)"|`([^`]+)`' -%}
    {%- set word = '([^\\W\\d][\\w ]*)(?![\\w ."`]*[(])' -%}
    {%- set words = modules.re.findall('(?:(?:"[^"]*"|`[^`]*`|\\w+)[.])*(?:' ~ quoted ~ '|' ~ word ~ ')', bare) -%}
    {%- set name = ((words[0] | select | first) if words else expression).split(' as ')[0] | trim -%}
    {%- set path = modules.re.findall("(?:json_extract_string|json_value|get_path)[(].*?, '([^']*)'", expression) -%}
    {{ return(name ~ '.' ~ path[0] | replace('$', '') | replace('"', '') | trim('.') if path else name) }}
{%- endmacro %}
