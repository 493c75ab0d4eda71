{#- Expression: a company's name for display: as normalise_text, and nothing taken off, since Dr. Oetker and Miss Sixty are called so;
    null when it holds neither a letter nor a digit (`1&1` and `4711` are companies). -#}
{% macro normalise_company_name(expression) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_company_name(expression))) }}
{%- endmacro %}

{% macro _normalise_company_name(expression) -%}
    {{ headwater.whole_match_or_null(headwater.normalise_text(expression), ".*[^ .,;:/+*#_@&?!()'-].*") }}
{%- endmacro %}
