{#- Expression: one value of a JSON column, as text, to be read by any of the readers; null where it has none. The column may have come as text,
    as JSON or as a struct; one that is there and no JSON counts as unread, as does what stands on the way to the value and has no parts, such as
    a text that holds JSON (json_part(json_part('context', 'traits'), 'email') reads that).
    path: names with dots between and places in lists from 0 (`traits.email`, `products[0].sku`), or a list of them where a name has a dot;
    without it the whole, such as an item of json_items that is a text. -#}
{% macro json_part(expression, path=none) -%}
    {%- set document = headwater.json_document(expression) -%}
    {%- if path is none -%}
        {{ return(headwater.json_text_at(headwater.counted_read(expression, document), [])) }}
    {%- endif -%}
    {%- set steps = headwater.json_steps('json_part', path) -%}
    {#- Where nothing is found: whether the way there ends before. -#}
    {{ return(
        'coalesce(' ~ headwater.json_text_at(document, steps) ~ ', case when ' ~ headwater._json_way_to(expression, document, steps)
        ~ ' then cast(null as ' ~ dbt.type_string() ~ ') end)'
    ) }}
{%- endmacro %}

{#- Expression, boolean: whether each thing on the way to a place has parts; read, so that one which is there and has none counts. -#}
{% macro _json_way_to(expression, document, steps) -%}
    {%- set way = [] -%}
    {%- for step in steps -%}
        {%- set before = steps[:loop.index0] -%}
        {%- set parts = headwater.json_nested_at(document, before, '[' if step is integer else '{') -%}
        {%- do way.append(
            headwater.counted_read(headwater.json_text_at(document, before) if before else expression, parts) ~ ' is not null'
        ) -%}
    {%- endfor -%}
    {{ return(way | join(' and ')) }}
{%- endmacro %}

{#- Value: a path as the list of its names and places. -#}
{% macro json_steps(name, path) -%}
    {%- set steps = [] -%}
    {%- set parts = path if path is not string else [] -%}
    {%- if path is string -%}
        {%- if not modules.re.fullmatch('([^.\\[\\]]+|\\[[0-9]+\\])(\\.[^.\\[\\]]+|\\[[0-9]+\\])*', path) -%}
            {%- do headwater._json_path_error(name, path) -%}
        {%- endif -%}
        {%- for place, word in modules.re.findall('\\[([0-9]+)\\]|([^.\\[\\]]+)', path) -%}
            {%- do steps.append(place | int if place else word) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do steps.extend(parts) -%}
    {%- for step in steps if not (step is integer and step >= 0) and (step is not string or not step or modules.re.search('["\\\\\']', step)) -%}
        {%- do headwater._json_path_error(name, path) -%}
    {%- endfor -%}
    {%- if not steps -%}
        {%- do headwater._json_path_error(name, path) -%}
    {%- endif -%}
    {{ return(steps) }}
{%- endmacro %}

{% macro _json_path_error(name, path) -%}
    {{ exceptions.raise_compiler_error(
        model.name ~ ': ' ~ name ~ ": '" ~ path ~ "' is no path; write names with dots between and places from 0, such as traits.email or"
        ~ " products[0].sku, or a list such as ['traits', 'First.Name'] where a name has a dot; no quotes and no backslash."
    ) }}
{%- endmacro %}
