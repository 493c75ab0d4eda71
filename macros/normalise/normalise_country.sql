{#- Expression: ISO 3166-1 alpha-2 code of a country given by that code, its alpha-3 code or its name (English or its own
    languages); null for anything else. -#}
{% macro normalise_country(expression) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_country(expression))) }}
{%- endmacro %}

{% macro _normalise_country(expression) -%}
    {#- A plain apostrophe would end the text that holds all names. -#}
    {%- set text = 'replace(upper(' ~ headwater.plain_characters(expression) ~ '), ' ~ headwater.string_literal("'") ~ ", '’')" -%}
    {%- set countries = headwater._countries() -%}
    {%- set spellings = [] -%}
    {%- for country, facts in countries.items() -%}
        {%- for name in facts[3] -%}
            {%- do spellings.append(name ~ '=' ~ country) -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- What follows the name in |GERMANY=DE|FRANCE=FR|...: a case of a thousand branches costs seconds on any table. #}
    case
        when {{ text }} in ('{{ countries | join("', '") }}') then {{ text }}
        else nullif({{ dbt.split_part(
            dbt.split_part("'|" ~ spellings | join('|') ~ "|'", dbt.concat(["'|'", text, "'='"]), 2), "'|'", 1
        ) }}, '')
    end
{%- endmacro %}
