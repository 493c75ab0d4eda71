{#- Expression: a company's name for display: as normalise_text, and nothing taken off, since Dr. Oetker and Miss Sixty are called so;
    null when it holds neither a letter nor a digit (`1&1` and `4711` are companies). Null, Nil and Nan are companies too, written as a name is; as
    programs write them (null, NULL, NaN) they are not, nor are None and Unknown, which people type where there is no company. -#}
{% macro normalise_company_name(expression) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_company_name(expression))) }}
{%- endmacro %}

{% macro _normalise_company_name(expression) -%}
    {%- set text = headwater.normalise_text(expression, ['[-.?_]*', 'n[.]?/?a[.]?', 'none', 'unknown', 'undefined', 'k[.]a[.]', 'xxx+']) -%}
    {%- set text = headwater.regexp_replace_all(text, '^(null|NULL|nil|NIL|nan|NaN|NAN)$', '') -%}
    {{ headwater.whole_match_or_null(text, ".*[^ .,;:/+*#_@&?!()'-].*") }}
{%- endmacro %}
