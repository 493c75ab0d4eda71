{#- Nothing, or one error with all that is wrong with the settings, before anything is built: every var `cdp_...` is known, and every known one has the
    keys and values that it may have; dispatch macros of the engine are the engine's; and once dbt has read the project, what the settings name is there:
    models, columns, identifiers, attributes. Run by on-run-start, so each parse holds the vars, and each build the rest. -#}
{% macro check_settings() -%}
    {%- set problems = headwater._wrong_settings() -%}
    {%- if headwater.knows_graph() and not problems -%}
        {%- do problems.extend(headwater.wrong_names()) -%}
    {%- endif -%}
    {%- do headwater.stop_for_settings(problems) -%}
    {%- if headwater.knows_graph() -%}
        {%- do headwater.tell_what_is_missing() -%}
        {%- do headwater.tell_of_readers() -%}
    {%- endif -%}
{%- endmacro %}

{#- Nothing, or an error that tells all of them at once. -#}
{% macro stop_for_settings(problems) -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error(
            (problems | length ~ ' settings are wrong, nothing was built:\n  ' if problems | length > 1 else '') ~ problems | join('\n  ')
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- Stops with all that is wrong with the vars, and with `message`, what a macro met that read one of them, where nothing else is said of that one. -#}
{% macro stop_setting(message) -%}
    {%- set problems = headwater._wrong_settings() -%}
    {%- set names = modules.re.findall('cdp_[a-z_]+', message)[:1] -%}
    {%- set said = modules.re.findall('cdp_[a-z_]+', problems | join(' ')) -%}
    {%- do headwater.stop_for_settings(problems + ([message] if not names or names[0] not in said else [])) -%}
{%- endmacro %}

{#- Value: a var that is a mapping; `{}` where it is not set. Any other value stops with all that is wrong with the vars. -#}
{% macro setting(name) -%}
    {%- set given = var(name, none) -%}
    {%- set is_wrong = given is not none and given is not mapping -%}
    {%- for one in (given.values() if given is mapping else []) if name in ['cdp_identity', 'cdp_survivorship'] and one is not none and one is not mapping -%}
        {%- do headwater.stop_setting('vars: ' ~ name ~ ": '" ~ one ~ "' is no mapping.") -%}
    {%- endfor -%}
    {%- if is_wrong -%}
        {%- do headwater.stop_setting('vars: ' ~ name ~ ": '" ~ given ~ "' is no mapping.") -%}
    {%- endif -%}
    {{ return(given or {}) }}
{%- endmacro %}

{% macro _wrong_settings() -%}
    {%- set problems = [] -%}
    {%- set shapes = headwater.setting_shapes() -%}
    {%- do headwater._note_unknown_vars(problems, shapes | list) -%}
    {%- for name, shape in shapes.items() -%}
        {%- set given = var(name, none) -%}
        {%- if given is not none -%}
            {%- do headwater._note_shape(problems, 'vars: ' ~ name, given, shape) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do headwater.note_declared_kinds(problems) -%}
    {%- do headwater.note_matched_entities(problems) -%}
    {%- do headwater.note_wrong_patterns(problems) -%}
    {%- do headwater._note_own_models(problems) -%}
    {%- do headwater._note_absent_models(problems) -%}
    {%- do headwater._note_lost_entities(problems) -%}
    {%- do headwater._note_replaced_macros(problems) -%}
    {{ return(problems) }}
{%- endmacro %}

{#- A model of the engine's cannot be what the engine reads, but for the traits that ship; one of a project that is called the same needs another name. -#}
{% macro _note_own_models(problems) -%}
    {%- set registry = var('cdp_registry', none) -%}
    {%- for kind, names in (registry.items() if registry is mapping else []) if kind != 'conversions' and names is sequence and names is not string -%}
        {%- for name in names if name in headwater.own_models() and [kind, name] != ['traits', 'profile_households'] -%}
            {%- do problems.append(
                'vars: cdp_registry.' ~ kind ~ ": '" ~ name ~ "' is what a model of Headwater's own is called. Name a view of yours instead: my_" ~ name
                ~ ".sql with select * from {{ ref('" ~ project_name ~ "', '" ~ name ~ "') }}."
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- A name of the registry without a model: dbt would say so of a model of the engine's, which reads the list. -#}
{% macro _note_absent_models(problems) -%}
    {%- set registry = var('cdp_registry', none) -%}
    {%- set noted = {'problems': [], 'columns': {}, 'is_kept': false} -%}
    {%- for kind, names in (registry.items() if registry is mapping and not execute else []) if names is sequence and names is not string and names is not mapping -%}
        {%- for name in names if name is string -%}
            {%- do headwater.is_absent(noted, name, 'vars: cdp_registry.' ~ kind) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for problem in noted.problems -%}{%- do problems.append(headwater._sentence(problem)) -%}{%- endfor -%}
{%- endmacro %}

{#- Of all vars there are dbt 1 tells; its v2 engine tells none, where `headwater check` reads the file instead. -#}
{% macro _note_unknown_vars(problems, known) -%}
    {%- set names = [] -%}
    {%- if adapter.config is defined and adapter.config.vars is defined -%}
        {%- set given = adapter.config.vars.to_dict() -%}
        {%- for place in [given, adapter.config.cli_vars or {}] -%}
            {%- for name in place -%}
                {%- do names.append(name | string) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for scope in [project_name, 'headwater'] if given.get(scope) is mapping -%}
            {%- for name in given[scope] if (name | string).startswith('cdp_') and name in known and scope != 'headwater' -%}
                {%- do problems.append('vars: ' ~ scope ~ ': ' ~ name ~ ": the engine's own models do not see it there: put it directly below vars:.") -%}
            {%- endfor -%}
            {%- do names.extend(given[scope] | list) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for name in names | unique if (name | string).startswith('cdp_') and name not in known -%}
        {%- do problems.append('vars: ' ~ name ~ ' is no setting' ~ (headwater.nearest(name, known) or '; they are ' ~ known | sort | join(', ') ~ '.')
            ~ ' A var of your own wants a name that does not begin with cdp_.') -%}
    {%- endfor -%}
{%- endmacro %}

{#- Nothing; notes what a value has that its shape (setting_shapes) does not. What is left empty is not set. -#}
{% macro _note_shape(problems, where, value, shape) -%}
    {%- if value is none or shape == 'any' -%}
    {%- elif shape is mapping and 'either' in shape -%}
        {%- do headwater._note_shape(problems, where, value, shape.either[0] if value is mapping else shape.either[1]) -%}
    {%- elif shape is mapping and 'list' in shape -%}
        {%- if value is string or value is mapping or value is not iterable -%}
            {%- do headwater._note_setting(problems, where, "'" ~ value ~ "' is no list") -%}
        {%- else -%}
            {%- for one in value -%}
                {%- do headwater._note_shape(problems, where ~ '[' ~ loop.index0 ~ ']', one, shape.list) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- elif shape is mapping and value is not mapping -%}
        {%- do headwater._note_setting(problems, where, "'" ~ value ~ "' is no mapping" ~ (' of ' ~ shape['keys'] | join(', ') if 'keys' in shape else '')) -%}
    {%- elif shape is mapping and 'each' in shape -%}
        {%- for name, one in value.items() -%}
            {%- do headwater._note_shape(problems, where ~ '.' ~ name, one, shape.each) -%}
        {%- endfor -%}
    {%- elif shape is mapping -%}
        {%- set allowed = shape['keys'] | list -%}
        {%- for name, one in value.items() -%}
            {%- if name in allowed -%}
                {%- do headwater._note_shape(problems, where ~ '.' ~ name, one, shape['keys'][name]) -%}
            {%- else -%}
                {%- do headwater._note_setting(problems, where, "'" ~ name ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(name, allowed)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for name in shape.get('needs', []) if value.get(name) is none or value.get(name) is undefined -%}
            {%- do headwater._note_setting(problems, where, "'" ~ name ~ "' is missing") -%}
        {%- endfor -%}
    {%- elif shape is not string -%}
        {%- for one in ([value] if value is string or value is mapping or value is not iterable else value) if one not in shape -%}
            {%- do headwater._note_setting(problems, where, "'" ~ one ~ "' is not one of " ~ shape | join(', ') ~ headwater.nearest(one, shape)) -%}
        {%- endfor -%}
    {%- elif shape == 'country' -%}
        {%- do headwater._note_country(problems, where, value) -%}
    {%- elif shape == 'zone' -%}
        {%- set zones = modules.pytz.all_timezones_set if modules.pytz.all_timezones_set is defined else [value] -%}
        {%- if value is not string or value not in zones -%}
            {%- do headwater._note_setting(problems, where, "'" ~ value ~ "' is no time zone, such as Europe/Berlin or UTC" ~ headwater.nearest(value, zones)) -%}
        {%- endif -%}
    {%- else -%}
        {%- set wish = headwater._wish(value, shape) -%}
        {%- if wish -%}
            {%- do headwater._note_setting(problems, where, "'" ~ value ~ "' is not " ~ wish) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Text: what is wanted in place of a value that is none of its kind; nothing where it is one. -#}
{% macro _wish(value, shape) -%}
    {%- set is_number = value is number and value is not boolean -%}
    {%- set is_list = value is not string and value is not mapping and value is iterable -%}
    {%- if shape == 'flag' and value is not boolean -%}
        {{ return('true or false') }}
    {%- elif shape == 'whole' and not (is_number and value is integer and value >= 1) -%}
        {{ return('a whole number of at least 1') }}
    {%- elif shape in ['whole', 'count'] and is_number and value > 2147483647 -%}
        {{ return('a whole number of at most 2147483647') }}
    {%- elif shape == 'count' and not (is_number and value is integer and value >= 0) -%}
        {{ return('a whole number of at least 0') }}
    {%- elif shape == 'number' and not (is_number and value > 0) -%}
        {{ return('a number above 0') }}
    {%- elif shape == 'percent' and not (is_number and value >= 0 and value <= 100) -%}
        {{ return('a number from 0 to 100') }}
    {%- elif shape == 'share' and not (is_number and value >= 0 and value <= 1) -%}
        {{ return('a number from 0 to 1') }}
    {%- elif shape == 'text' and (value is not string or not value | trim) -%}
        {{ return('a text') }}
    {%- elif shape == 'name' and (value is not string or modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', value) is none) -%}
        {{ return('a name') }}
    {%- elif shape in ['texts', 'names', 'words'] -%}
        {%- if not is_list -%}
            {{ return('a list of ' ~ {'words': 'values'}.get(shape, shape)) }}
        {%- endif -%}
        {%- for one in value if (headwater._wish(one, shape[:-1]) if shape != 'words' else one is none or (one is iterable and one is not string)) -%}
            {{ return('a list of ' ~ {'words': 'values'}.get(shape, shape) ~ ", for '" ~ one ~ "' is none") }}
        {%- endfor -%}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}

{% macro _note_setting(problems, where, message) -%}
    {%- do problems.append(where ~ ': ' ~ message ~ ('' if message.endswith('?') else '.')) -%}
{%- endmacro %}

{% macro _note_country(problems, where, value) -%}
    {%- if value is not string or value not in headwater._countries() -%}
        {%- set meant = headwater._country_meant(value) -%}
        {%- do headwater._note_setting(problems, where, "'" ~ value ~ "' is no country's two letters in quotes, such as 'DE'"
            ~ ("; did you mean '" ~ meant ~ "'?" if meant else '')) -%}
    {%- endif -%}
{%- endmacro %}

{#- `persons` is an entity of its own, with no golden attribute and no audience: whoever has no `person` beside it mistyped it. -#}
{% macro _note_lost_entities(problems) -%}
    {%- set identity = var('cdp_identity', {}) -%}
    {%- set survivorship = var('cdp_survivorship', {}) -%}
    {%- if identity is mapping and survivorship is mapping -%}
        {%- set known = ['person', 'account'] -%}
        {%- for name in identity if name not in known -%}
            {%- set meant = headwater.nearest(name, known | reject('in', identity) | list) -%}
            {%- if meant -%}
                {%- do headwater._note_setting(problems, 'vars: cdp_identity', "'" ~ name ~ "' is not one of " ~ known | join(', ') ~ meant) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for name in survivorship if name not in identity -%}
            {%- set meant = headwater.nearest(name, identity | reject('in', survivorship) | list) -%}
            {%- if name not in known -%}
                {%- do headwater._note_setting(problems, 'vars: cdp_survivorship', "'" ~ name ~ "' is no entity of cdp_identity, of " ~ identity | join(', ') ~ meant) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- The engine asks for its own macros by dbt's dispatch, which looks into the project that installs it first. What it finds there by chance answers other
    questions than it is asked, in SQL that somebody else's model then trips over; so it is meant only where `cdp_own_macros` names it. -#}
{% macro _note_replaced_macros(problems) -%}
    {%- set meant = var('cdp_own_macros', []) or [] -%}
    {%- if project_name != 'headwater' -%}
        {%- for name in context.get(project_name, {}) -%}
            {%- set found = modules.re.fullmatch('([a-z][a-z0-9]*)__(.+)', name | string) -%}
            {%- if found and 'default__' ~ found[2] in headwater and name not in meant -%}
                {%- do problems.append("macro '" ~ name ~ "' of your project would take the place of the engine's " ~ found[2]
                    ~ ': give it another name, or say that it is meant to, in vars: cdp_own_macros: [' ~ name ~ ']. See docs/adopt.md.') -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for name in (meant if meant is not string else []) if name not in context.get(project_name, {}) -%}
            {%- do headwater._note_setting(problems, 'vars: cdp_own_macros', "'" ~ name ~ "' is no macro of your project") -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
