{#- Value: problems, "path: message", each with the line of the definition's text where it stands: that of a key which is not allowed, or else of
    what the path names. A path has the kind of a condition before its other keys, which stand beside each other in the text. -#}
{% macro with_lines(text, problems) -%}
    {%- set tree = fromyaml(headwater._marked_yaml(text | string, [])) if problems else none -%}
    {%- set told = [] -%}
    {%- for problem in problems -%}
        {#- A key that may not stand beside the others of the definition has no path. -#}
        {%- set path = '' if problem.startswith("'") else problem.split(': ')[0] -%}
        {%- set message = problem[path | length:] if path else ': ' ~ problem -%}
        {%- set line = headwater._line_of(tree, path, modules.re.fullmatch(": '([^']*)' is no.*", message)) -%}
        {%- set told_here = (path ~ ' (line ' ~ line ~ ')' if path else 'line ' ~ line) ~ message if line and '(line ' not in path and not path.startswith('line ') else problem -%}
        {%- do told.append(told_here) if told_here not in told -%}
    {%- endfor -%}
    {{ return(told) }}
{%- endmacro %}

{#- Text: a line number, or nothing. -#}
{% macro _line_of(tree, path, wrong_key) -%}
    {%- set at = namespace(node=tree, line='') -%}
    {%- for name in path.replace('[', '.#').replace(']', '').split('.') -%}
        {%- if name.startswith('#') and at.node is not mapping and at.node is not string and at.node is iterable and at.node | length >= name[1:] | int -%}
            {%- set at.node = at.node[name[1:] | int - 1] -%}
            {%- set at.line = headwater._line_of_mark(at.node if at.node is string else at.node | first if at.node is mapping and at.node else '') or at.line -%}
        {%- elif at.node is mapping -%}
            {%- set found = namespace(node=none) -%}
            {%- for key, inner in at.node.items() if (key | string).split('|')[1:] | join('|') == name -%}
                {%- set at.line = headwater._line_of_mark(key) -%}
                {%- set found.node = inner -%}
            {%- endfor -%}
            {%- if found.node is not string and found.node is iterable -%}
                {%- set at.node = found.node -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for key in (at.node if at.node is mapping and wrong_key else []) if (key | string).split('|')[1:] | join('|') == wrong_key[1] -%}
        {%- set at.line = headwater._line_of_mark(key) -%}
    {%- endfor -%}
    {{ return(at.line) }}
{%- endmacro %}

{#- Text: the line that a mark such as k4.12|key has. -#}
{% macro _line_of_mark(scalar) -%}
    {%- set found = modules.re.fullmatch('[kpq]([0-9]+).*', scalar | string) -%}
    {{ return(found[1] if found else '') }}
{%- endmacro %}
