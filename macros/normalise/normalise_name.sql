{#- Expression: a person's or company's name for display: as normalise_text, without titles in front; null when it holds no
    letter. Case is kept: 'van der Berg' and 'McKay' know better. -#}
{% macro normalise_name(expression) -%}
    {%- set text = normalise_text(expression) -%}
    {%- set title = '^((mr|mrs|ms|miss|dr|prof|herr|frau|hr|fr|mme|sig|sra|sr)[.] *|(mr|mrs|ms|miss|dr|prof|herr|frau) +)+' -%}
    case
        when {{ regexp_matches_whole(text, "[0-9 .,;:/+*#_@()'-]*") }} then null
        when {{ regexp_matches_whole("lower(" ~ text ~ ")", title[1:] ~ '.+') }}
            then {{ dbt.right(text, dbt.length(regexp_replace_all("lower(" ~ text ~ ")", title, ''))) }}
        else {{ text }}
    end
{%- endmacro %}
