{#- Stops the parse: which model, which key of its definition, what is wrong and what is allowed. -#}
{% macro audience_error(path, message) -%}
    {{ exceptions.raise_compiler_error(model.name ~ (', ' ~ path if path else '') ~ ': ' ~ message ~ '.') }}
{%- endmacro %}

{#- Nothing: stops the parse for a list of "path: message", all at once; an empty list goes on. -#}
{% macro stop_for(problems) -%}
    {%- if problems | length == 1 -%}
        {{ exceptions.raise_compiler_error(model.name ~ ', ' ~ problems[0] ~ '.') }}
    {%- elif problems -%}
        {{ exceptions.raise_compiler_error(model.name ~ ', ' ~ problems | length ~ ' mistakes:\n  ' ~ problems | join('.\n  ') ~ '.') }}
    {%- endif -%}
{%- endmacro %}

{#- Nothing: notes a mistake of a definition, so that all are told together. -#}
{% macro note_problem(context, path, message) -%}
    {%- do context.problems.append((path ~ ': ' if path) ~ message) -%}
{%- endmacro %}

{#- Nothing: notes every key of a mapping that is not allowed, with the nearest that is. -#}
{% macro note_unknown_keys(context, given, allowed, path) -%}
    {%- for key in given if key not in allowed -%}
        {%- do headwater.note_problem(context, path, "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) -%}
    {%- endfor -%}
{%- endmacro %}

{#- Text: "; did you mean 'x'?" where an allowed word shares most letter pairs with the one given, else nothing. -#}
{% macro nearest(word, allowed) -%}
    {%- set best = namespace(word=none, share=0.45) -%}
    {%- set word = word | string -%}
    {%- set pairs = headwater._letter_pairs(word) -%}
    {%- for candidate in allowed -%}
        {%- set others = headwater._letter_pairs(candidate | string) -%}
        {%- set common = pairs | select('in', others) | list -%}
        {%- set share = 2 * (common | length) / ([pairs | length + others | length, 1] | max) -%}
        {%- if share > best.share -%}
            {%- set best.word = candidate -%}
            {%- set best.share = share -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return("; did you mean '" ~ best.word ~ "'?" if best.word else '') }}
{%- endmacro %}

{% macro _letter_pairs(word) -%}
    {%- set pairs = [] -%}
    {%- for index in range([(word | length) - 1, 0] | max) -%}
        {%- do pairs.append(word[index:index + 2]) -%}
    {%- endfor -%}
    {{ return(pairs) }}
{%- endmacro %}
