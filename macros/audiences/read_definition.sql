{#- Value: a definition from its YAML text; its mistakes are noted in `problems`, with their lines, and then it is none. YAML alone would keep the last of two equal keys, read
    NO as false, 01067 as 567 and 12:30 as 750. So each scalar is put in quotes with a mark before YAML sees it: k and its line before a
    key, p before a plain value, q before one that was in quotes. Then no key is lost, and a value is read as it is written. -#}
{% macro read_definition(text, wanted, problems) -%}
    {%- set marked = headwater._marked_yaml(text | string, problems) -%}
    {%- set tree = fromyaml(marked) -%}
    {%- set definition = headwater._definition_value(tree, '', problems) if tree is mapping else {} -%}
    {%- if not problems and not (tree is mapping and headwater._is_same(definition, fromyaml(text))) -%}
        {%- do problems.append(headwater._unreadable(text | string, marked) ~ ": the definition is no YAML mapping that can be read in one way only; it wants " ~ wanted
            ~ ", each key with its value on a line of its own, blanks as indent, and texts with signs in quotes") -%}
    {%- endif -%}
    {{ return(definition if not problems else none) }}
{%- endmacro %}

{#- Text: the first line up to which a definition cannot be read, and what stands there. What is inside of brackets is read once these are closed. -#}
{% macro _unreadable(text, marked) -%}
    {%- set lines, marks = text.replace('\r\n', '\n').split('\n'), marked.split('\n') -%}
    {%- set at = namespace(depth=0, opened=1, begun=false) -%}
    {%- for line in lines -%}
        {%- set brackets = modules.re.sub('"(?:\\\\.|[^"\\\\])*"|\'(?:\'\'|[^\'])*\'', '', marks[loop.index0]) -%}
        {%- set at.opened = at.opened if at.depth else loop.index -%}
        {%- for sign in brackets if sign in '[]{}' -%}
            {%- set at.depth = at.depth + (1 if sign in '[{' else -1) -%}
        {%- endfor -%}
        {%- set so_far, marked_so_far = lines[:loop.index] | join('\n'), marks[:loop.index] | join('\n') -%}
        {%- if at.depth < 0 -%}
            {{ return('line ' ~ loop.index ~ ": a bracket is closed here that was not opened") }}
        {%- elif modules.re.match('[ ]*\t', line) -%}
            {{ return('line ' ~ loop.index ~ ": is indented by a tab") }}
        {%- elif not at.depth and marks[loop.index0] | trim -%}
            {%- set tree = fromyaml(marked_so_far) -%}
            {%- if tree is not mapping or not headwater._is_same(headwater._definition_value(tree, '', []), fromyaml(so_far)) -%}
                {{ return('line ' ~ at.opened ~ ': `' ~ lines[at.opened - 1] | trim ~ '` ' ~ ('does not go on from what stands before it' if at.begun else 'is no key: with a value')) }}
            {%- endif -%}
            {%- set at.begun = true -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('line ' ~ at.opened ~ ": a bracket that is opened here is not closed" if at.depth else 'line 1: nothing is said') }}
{%- endmacro %}

{#- Text: the same YAML with a mark in each scalar. -#}
{% macro _marked_yaml(text, problems) -%}
    {%- set quoted = '"(?:\\\\.|[^"\\\\])*"|\'(?:\'\'|[^\'])*\'' -%}
    {%- set block = modules.re.compile('(\\s*(?:-(?:\\s+|$))*)(?:(' ~ quoted ~ '|[^\\s"\'{}\\[\\],#&*!|>%@`](?:(?!:(?:\\s|$)|\\s#).)*?)\\s*:(?=\\s|$))?(.*)$') -%}
    {%- set at = namespace(depth=0) -%}
    {%- set lines = [] -%}
    {%- for line in text.replace('\r\n', '\n').split('\n') -%}
        {%- if at.depth -%}
            {%- do lines.append(headwater._marked_values(line, loop.index, at, quoted, problems)) -%}
        {%- else -%}
            {%- set found = block.match(line) -%}
            {%- set key = headwater._marked_scalar(found.group(2), 'k' ~ loop.index) ~ ':' if found.group(2) else '' -%}
            {%- do lines.append(found.group(1) ~ key ~ headwater._marked_values(found.group(3), loop.index, at, quoted, problems)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(lines | join('\n')) }}
{%- endmacro %}

{#- Text: what follows a key or a dash, or goes on inside brackets; `at.depth` is how many brackets are open. -#}
{% macro _marked_values(text, line, at, quoted, problems) -%}
    {%- set is_flow = at.depth or text.lstrip()[:1] in ['{', '['] -%}
    {%- set stop = '[\\s,\\[\\]{}]' if is_flow else '\\s' -%}
    {%- set inside = '(?:(?!:(?:' ~ stop ~ '|$)|\\s#)' ~ ('[^,\\[\\]{}]' if is_flow else '.') ~ ')*?' -%}
    {%- set ends = '(?=\\s*(?:$|\\s#|:(?:' ~ stop ~ '|$)' ~ ('|[,\\[\\]{}]' if is_flow else '') ~ '))' -%}
    {%- set scanner = modules.re.compile(
        '(\\s+)|(?<!\\S)(#.*)|(' ~ quoted ~ ')|([{}\\[\\],]|:(?=' ~ stop ~ '|$)|(?<=["\']):)|([^\\s"\'{}\\[\\],#&*!|>%@`]' ~ inside ~ ends ~ ')|(.)'
    ) -%}
    {%- set parts = [] -%}
    {#- Each piece is nothing and the six groups, of which one is not empty. -#}
    {%- set seen = namespace(length=0) -%}
    {%- for found in scanner.split(text) | batch(7) if found | length == 7 -%}
        {%- set scalar = found[3] or found[5] -%}
        {%- set start = seen.length -%}
        {%- set seen.length = start + (found | select | first) | length -%}
        {%- if scalar -%}
            {%- set is_key = modules.re.match('\\s*:(?:' ~ stop ~ '|$)' if found[5] else '\\s*:', text[seen.length:]) -%}
            {%- set mark = 'k' ~ line ~ '.' ~ start if is_key else ('q' if found[3] else 'p') ~ line -%}
            {%- do parts.append(headwater._marked_scalar(scalar, mark)) -%}
        {%- elif found[6] -%}
            {%- do problems.append("line " ~ line ~ ": `" ~ found[6] ~ "` cannot stand here; put a text that begins with it in quotes, which are closed on the same line"
                ~ " (anchors, tags and texts of several lines are not for definitions)") -%}
        {%- elif not found[2] -%}
            {%- do parts.append(found[1] or found[4]) -%}
            {%- if found[4] in ['{', '['] -%}
                {%- set at.depth = at.depth + 1 -%}
            {%- elif found[4] in ['}', ']'] -%}
                {%- set at.depth = [at.depth - 1, 0] | max -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts | join('')) }}
{%- endmacro %}

{% macro _marked_scalar(scalar, mark) -%}
    {%- if scalar[0] in ['"', "'"] -%}
        {{ return(scalar[0] ~ mark ~ '|' ~ scalar[1:]) }}
    {%- endif -%}
    {{ return("'" ~ mark ~ '|' ~ scalar.replace("'", "''") ~ "'") }}
{%- endmacro %}

{#- Value: a marked tree without its marks. -#}
{% macro _definition_value(node, path, problems) -%}
    {%- if node is mapping -%}
        {%- set value = {} -%}
        {%- for marked, inner in node.items() -%}
            {%- set mark, key = (marked | string).split('|', 1) if '|' in marked | string else ('', marked | string) -%}
            {%- set place = path ~ ('.' if path) ~ key -%}
            {%- set told = place ~ (' (line ' ~ mark[1:].split('.')[0] ~ ')' if mark) ~ ': ' -%}
            {%- if key in value -%}
                {%- do problems.append(told ~ "is given twice; YAML would keep only the last: put one of the two away, or each into a condition of its own") -%}
            {%- endif -%}
            {%- if inner is none -%}
                {%- do problems.append(told ~ "is left empty; give it a value, or leave it out") -%}
            {%- endif -%}
            {%- do value.update({key: headwater._definition_value(inner, place, problems) if inner is not none else none}) -%}
        {%- endfor -%}
        {{ return(value) }}
    {%- elif node is string -%}
        {%- set mark, text = node.split('|', 1) -%}
        {{ return(text if mark[0] == 'q' else headwater._plain_value(text, path, mark[1:], problems)) }}
    {%- elif node is none -%}
        {%- do problems.append((path or 'the definition') ~ ": is left empty; give it a value, or leave it out") -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set value = [] -%}
    {%- for inner in node -%}
        {%- do value.append(headwater._definition_value(inner, path ~ '[' ~ loop.index ~ ']', problems)) -%}
    {%- endfor -%}
    {{ return(value) }}
{%- endmacro %}

{#- Value: true, false, a number or a text as it is written. What readers of YAML disagree about is refused. -#}
{% macro _plain_value(text, path, line, problems) -%}
    {#- A pattern ends in $ where a shorter match would be the first to be found: dbt's v2 takes the first. -#}
    {%- set is = modules.re.fullmatch -%}
    {%- if is('true|True|TRUE|false|False|FALSE', text) -%}
        {{ return(text | lower == 'true') }}
    {%- elif is('[-+]?(0|[1-9][0-9]*)', text) -%}
        {{ return(text | int) }}
    {%- elif is('[-+]?(0|[1-9][0-9]*)[.][0-9]+', text) -%}
        {{ return(text | float) }}
    {%- elif is('~|null|Null|NULL', text) -%}
        {%- do problems.append(path ~ " (line " ~ line ~ "): `" ~ text ~ "` is no value; for an absent one say is_null: true, for the text put it in quotes") -%}
    {%- elif is('(?i:yes|no|on|off)', text) -%}
        {%- do problems.append(path ~ " (line " ~ line ~ "): YAML reads `" ~ text ~ "` as true or false; if it is a text, quote it: '" ~ text ~ "', else write true or false") -%}
    {%- elif is('(?:[-+]?([0-9][0-9_]*([.][0-9_]*)?|[.][0-9][0-9_]*)([eE][-+]?[0-9]+)?|[-+]?0[xXoObB][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+([.][0-9_]*)?|[-+]?[.](inf|Inf|INF)|[.](nan|NaN|NAN))$', text) -%}
        {%- do problems.append(path ~ " (line " ~ line ~ "): readers of YAML take `" ~ text ~ "` for different things; if it is a text, quote it: '" ~ text ~ "', else write the number in plain digits") -%}
    {%- elif is('[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?', text) and not headwater.utc_instant(text) -%}
        {%- do problems.append(path ~ " (line " ~ line ~ "): `" ~ text ~ "` is no date or time; write 2026-11-23 or \"2026-11-23 09:30:00+02:00\", or quote it if it is a text") -%}
    {%- endif -%}
    {{ return(text) }}
{%- endmacro %}

{#- Whether two readings of one text have the same keys and as many values, and the same texts. -#}
{% macro _is_same(value, plain) -%}
    {%- if value is mapping or plain is mapping -%}
        {%- if value is not mapping or plain is not mapping or value | length != plain | length -%}
            {{ return(false) }}
        {%- endif -%}
        {%- for one, other in zip(value.values(), plain.values()) if not headwater._is_same(one, other) -%}
            {{ return(false) }}
        {%- endfor -%}
        {%- for one, other in zip(value, plain) if other is string and one != other -%}
            {{ return(false) }}
        {%- endfor -%}
    {%- elif plain is string -%}
        {{ return(value == plain) }}
    {%- elif plain is iterable -%}
        {%- if value is string or value is not iterable or value | length != plain | length -%}
            {{ return(false) }}
        {%- endif -%}
        {%- for one, other in zip(value, plain) if not headwater._is_same(one, other) -%}
            {{ return(false) }}
        {%- endfor -%}
    {%- elif value is mapping -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(true) }}
{%- endmacro %}
