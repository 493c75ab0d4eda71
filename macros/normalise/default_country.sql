{#- Value: var `cdp_default_country`, an ISO 3166-1 alpha-2 code; where it is not set the demo's if that is on, else none; and an error for anything else, which would read
    no number: dbt renders the engine's own phone numbers while it parses, so it is told before anything runs. -#}
{% macro default_country() -%}
    {%- set country = var('cdp_default_country', none) -%}
    {%- if country is none or country == '' -%}
        {{ return(headwater.demo_country() if headwater.demo_country is defined and headwater.has_demo() else none) }}
    {%- endif -%}
    {%- set countries = headwater._countries() -%}
    {%- if country is string and country in countries -%}
        {{ return(country) }}
    {%- endif -%}
    {%- if country is sameas false -%}
        {{ exceptions.raise_compiler_error(
            "vars: cdp_default_country: NO without quotes is false in YAML. Write it in quotes, 'NO', for Norway; leave the var out where no"
            ~ ' country holds for numbers without a calling code.'
        ) }}
    {%- endif -%}
    {%- set meant = headwater._country_meant(country) -%}
    {{ exceptions.raise_compiler_error(
        "vars: cdp_default_country: '" ~ country ~ "' is not an ISO 3166-1 alpha-2 code, two capital letters such as AT"
        ~ ("; did you mean '" ~ meant ~ "'?" if meant else '; it is the country of phone numbers without a calling code.')
    ) }}
{%- endmacro %}

{#- Value: the code of the country that a person meant by a word that is none; none where nobody can tell. NO without quotes is false in YAML. -#}
{% macro _country_meant(word) -%}
    {%- for code, facts in headwater._countries().items() if (word | string | trim | upper in [code] + facts[3]) or (word is sameas false and code == 'NO') -%}
        {{ return(code) }}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}
