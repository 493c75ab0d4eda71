{#- Stops the parse: which model, which key of its definition, what is wrong and what is allowed; where it is a setting, with all that is wrong
    with the settings. -#}
{% macro audience_error(path, message) -%}
    {%- if (path or '').startswith('vars: ') -%}
        {%- do headwater.stop_setting(headwater._sentence(model.name ~ ', ' ~ path ~ ': ' ~ message)) -%}
    {%- endif -%}
    {{ exceptions.raise_compiler_error(headwater._sentence(model.name ~ (', ' ~ path if path else '') ~ ': ' ~ message)) }}
{%- endmacro %}

{#- Value: whether a definition has mistakes, `problems`, a list of "path: message". While dbt reads the project they do not stop it, for it reads all models before it
    builds one: they are kept in the model's `meta: mistakes`, and `dbt parse` warns of them. When the model itself is compiled, they stop it. -#}
{% macro is_wrong(problems) -%}
    {%- if problems and not execute -%}
        {%- do config(meta={'mistakes': problems}) -%}
        {%- if flags.WHICH == 'parse' -%}
            {%- do exceptions.warn(headwater.all_mistakes(problems)) -%}
        {%- endif -%}
        {{ return(true) }}
    {%- endif -%}
    {%- do headwater.stop_for(problems) -%}
    {{ return(false) }}
{%- endmacro %}

{#- Text: with the dot that ends it, unless it ends with a question. -#}
{% macro _sentence(text) -%}
    {{ return(text ~ ('' if text.endswith('?') else '.')) }}
{%- endmacro %}

{#- Nothing: stops for a list of "path: message", all at once; an empty list goes on. -#}
{% macro stop_for(problems) -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error(headwater.all_mistakes(problems)) }}
    {%- endif -%}
{%- endmacro %}

{#- Text: every mistake of this model. -#}
{% macro all_mistakes(problems) -%}
    {%- set sentences = [] -%}
    {%- for problem in problems -%}{%- do sentences.append(headwater._sentence(problem)) -%}{%- endfor -%}
    {{ return(model.name ~ ', ' ~ (sentences[0] if problems | length == 1 else problems | length ~ ' mistakes:\n  ' ~ sentences | join('\n  '))) }}
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
    {%- set best = namespace(word=none, share=0) -%}
    {%- set word = word | string -%}
    {%- set pairs = headwater._letter_pairs(word) -%}
    {%- for candidate in allowed -%}
        {%- set others = headwater._letter_pairs(candidate | string) -%}
        {%- set common = pairs | select('in', others) | list -%}
        {%- set share = 2 * (common | length) / ([pairs | length + others | length, 1] | max) -%}
        {#- Of two that are near, the one of the same letters: frist_name is first_name, and no last_name; and emial is email. -#}
        {%- set same = headwater._letters_shared(word, candidate | string) if share > 0.45 or (word[:1] == (candidate | string)[:1] and word | length > 3) else 0 -%}
        {%- set same = [same, 0.9 if headwater._is_one_slip(word, candidate | string) else 0] | max -%}
        {%- if share > 0.45 or same > 0.8 -%}
            {%- set share = share + same -%}
            {%- if share > best.share -%}
                {%- set best.word = candidate -%}
                {%- set best.share = share -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return("; did you mean '" ~ best.word ~ "'?" if best.word else '') }}
{%- endmacro %}

{#- Value: whether one letter too many, too few or another, or two neighbours the other way round, make one word of the other: than is then, => is >=. -#}
{% macro _is_one_slip(word, other) -%}
    {%- set longer, shorter = [word | length, other | length] | max, [word | length, other | length] | min -%}
    {%- if word == other or longer - shorter > 1 -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set at = namespace(before=0, behind=0) -%}
    {%- for place in range(shorter) if at.before == place and word[place] == other[place] -%}
        {%- set at.before = place + 1 -%}
    {%- endfor -%}
    {%- for place in range(shorter - at.before) if at.behind == place and word[word | length - 1 - place] == other[other | length - 1 - place] -%}
        {%- set at.behind = place + 1 -%}
    {%- endfor -%}
    {%- set differ = longer - at.before - at.behind -%}
    {{ return((differ == 1 and longer > 2) or (differ == 2 and longer == shorter and word | list | sort == other | list | sort)) }}
{%- endmacro %}

{#- Value: how many letters two words have in common, as a share of the longer one. -#}
{% macro _letters_shared(word, other) -%}
    {%- set common = namespace(count=0) -%}
    {%- for letter in word | list | unique -%}
        {%- set here = word | list | select('equalto', letter) | list | length -%}
        {%- set there = other | list | select('equalto', letter) | list | length -%}
        {%- set common.count = common.count + ([here, there] | min) -%}
    {%- endfor -%}
    {{ return(common.count / ([word | length, other | length, 1] | max)) }}
{%- endmacro %}

{% macro _letter_pairs(word) -%}
    {%- set pairs = [] -%}
    {%- for index in range([(word | length) - 1, 0] | max) -%}
        {%- do pairs.append(word[index:index + 2]) -%}
    {%- endfor -%}
    {{ return(pairs) }}
{%- endmacro %}

{#- Nothing, or an error for an argument that a macro does not take, with the nearest that it does, or that it wants and was not given: its `kwargs`, the
    names that it takes, and {name: value} of those that it cannot do without. -#}
{% macro check_arguments(name, unknown, allowed, needed={}) -%}
    {%- for key in unknown -%}
        {%- do headwater.audience_error(name, "'" ~ key ~ "' is no argument, of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) -%}
    {%- endfor -%}
    {%- for key, value in needed.items() if value is undefined -%}
        {%- do headwater.audience_error(name, "the argument '" ~ key ~ "' is missing") -%}
    {%- endfor -%}
{%- endmacro %}
