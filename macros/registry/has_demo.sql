{#- Value: whether the demo company is part of this project, by the rule that dbt_project.yml switches its models, seeds and
    exposures with: the environment's HEADWATER_DEMO (true or false), else whether the profile is this project's own. -#}
{% macro has_demo() -%}
    {{ return(env_var('HEADWATER_DEMO', target.profile_name | default('')) in ['headwater', 'true']) }}
{%- endmacro %}

{#- Nothing, or an error before anything is written: a project that installs this one as a package must not get the demo's raw
    tables over its own because its profile happens to have this project's name. -#}
{% macro stop_uninvited_demo() -%}
    {%- if execute and project_name != 'headwater' and headwater.has_demo() and env_var('HEADWATER_DEMO', '') != 'true' -%}
        {{ exceptions.raise_compiler_error(
            "the profile of project '" ~ project_name ~ "' is called headwater, which switches the demo company of the package "
            ~ "headwater on: its models, and seeds that would be written over raw tables. Nothing was built. Set "
            ~ "HEADWATER_DEMO=false in the environment, or give the profile another name; HEADWATER_DEMO=true builds the demo."
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- Value: whether the model that is being compiled is switched off, or of a demo that nobody asked for. dbt renders such models too
    while it parses, and they would stop a project that has other events, with words about somebody else's model. -#}
{% macro is_offline() -%}
    {{ return(env_var('HEADWATER_OFFLINE', '') != '') }}
{%- endmacro %}

{% macro is_switched_off() -%}
    {%- set is_uninvited = project_name != 'headwater' and model.package_name == 'headwater' and env_var('HEADWATER_DEMO', '') != 'true' -%}
    {{ return(is_uninvited or not (model.get('config') or {}).get('enabled', true)) }}
{%- endmacro %}
