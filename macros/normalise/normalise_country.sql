{#- Expression: ISO 3166-1 alpha-2 code of a country given by that code, its alpha-3 code or its name (English or its own
    languages); null for anything else. -#}
{% macro normalise_country(expression) -%}
    {%- set text = "upper(" ~ plain_characters(expression) ~ ")" -%}
    {%- set countries = _countries() -%}
    case
        when {{ text }} in ('{{ countries | join("', '") }}') then {{ text }}
        else case {{ text }}
        {%- for country, facts in countries.items() -%}
            {%- for name in facts[4] %} when '{{ name }}' then '{{ country }}'{% endfor -%}
        {%- endfor %} end
    end
{%- endmacro %}
