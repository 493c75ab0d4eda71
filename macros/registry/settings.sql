{#- Value: a var that is a mapping, over its defaults; a name that is none of them stops the parse with the nearest. -#}
{% macro settings(variable, defaults) -%}
    {%- set found = dict(defaults) -%}
    {%- for name, value in headwater.setting(variable).items() -%}
        {%- if name not in defaults -%}
            {{ headwater.stop_setting(
                'vars: ' ~ variable ~ ": '" ~ name ~ "' is not one of " ~ defaults | join(', ') ~ (headwater.nearest(name, defaults | list) or '.')
            ) }}
        {%- endif -%}
        {%- do found.update({name: value}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
