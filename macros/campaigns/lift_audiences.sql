{#- Value: the registered audiences of people that hold somebody out: those that lift can be measured of. Each becomes a parent. -#}
{% macro lift_audiences() -%}
    {%- set audiences = [] -%}
    {%- for audience in headwater.registry('audiences') -%}
        {%- do headwater.model_ref(audience) -%}
        {%- set facts = headwater.audience_facts(audience) -%}
        {%- if facts.entity == 'person' and facts.has_holdout -%}
            {%- do audiences.append(audience) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(audiences) }}
{%- endmacro %}
