{#- Value: a definition from its YAML text, every mistake of the text told at once; none of a wrong one that is told later. YAML alone would keep the last of two equal keys, read
    NO as false, 01067 as 567 and 12:30 as 750. So each scalar is put in quotes with a mark before YAML sees it: k and its line before a
    key, p before a plain value, q before one that was in quotes. Then no key is lost, and a value is read as it is written. -#}
{% macro read_definition(text, wanted) -%}
    {%- set problems = [] -%}
    {%- set marked = headwater._marked_yaml(text | string, problems) -%}
    {%- set tree = fromyaml(marked) -%}
    {%- set definition = headwater._definition_value(tree, '', problems) if tree is mapping else {} -%}
    {%- set is_readable = tree is mapping and not problems and headwater._is_same(definition, fromyaml(text)) -%}
    {%- if not is_readable and headwater.is_told_later() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- do headwater.stop_for(problems) -%}
    {%- if not is_readable -%}
        {{ headwater.audience_error('', "the definition is no YAML mapping that can be read in one way only; it wants " ~ wanted
            ~ ", each key with its value on a line of its own, blanks as indent, and texts with signs in quotes") }}
    {%- endif -%}
    {{ return(definition) }}
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
