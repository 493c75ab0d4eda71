{#- Value: whether the demo company is part of this project, by the rule that dbt_project.yml switches its models, seeds and
    exposures with: the environment's HEADWATER_DEMO, else whether the profile is this project's own. -#}
{% macro has_demo() -%}
    {{ return(env_var('HEADWATER_DEMO', target.profile_name) in ['headwater', 'true']) }}
{%- endmacro %}
