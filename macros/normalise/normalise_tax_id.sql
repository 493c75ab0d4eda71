{#- Expression: a tax id as capital letters and digits, null for nothing. A number that begins with a digit gets its country in
    front (EL for Greece, as its tax office writes), so that 123 and DE123 of a German company are one. -#}
{% macro normalise_tax_id(expression, country=none) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_tax_id(expression, country))) }}
{%- endmacro %}

{% macro _normalise_tax_id(expression, country) -%}
    {%- set squeezed = headwater.regexp_replace_all("upper(" ~ headwater.plain_characters(expression) ~ ")", '[^0-9A-Z]', '') -%}
    {%- if country is none -%}
    nullif({{ squeezed }}, '')
    {%- else -%}
    case
        when {{ country }} is not null and {{ headwater.regexp_matches_whole(squeezed, '[0-9].*') }}
            then {{ dbt.concat(["case when " ~ country ~ " = 'GR' then 'EL' else " ~ country ~ " end", squeezed]) }}
        else nullif({{ squeezed }}, '')
    end
    {%- endif -%}
{%- endmacro %}
