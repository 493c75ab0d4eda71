{#- Expression: a person's or company's name for display: as normalise_text, without titles in front; null when it holds no
    letter. Case is kept: 'van der Berg' and 'McKay' know better. Na, Nan and Nil are names. -#}
{% macro normalise_name(expression) -%}
    {%- set text = headwater.normalise_text(expression, ['n/a', 'n[.]a[.]', 'none', 'null', 'unknown', 'undefined', 'xxx+', 'test']) -%}
    {%- set title = '(Mr|MR|mr|Mrs|MRS|mrs|Ms|MS|ms|Miss|Dr|DR|dr|Prof|PROF|prof|Herr|Frau|Mme)' -%}
    {%- set name = headwater.regexp_replace_all(text, '^(' ~ title ~ '([.] *| +))+', '') -%}
    {{ headwater.whole_match_or_null(name, ".*[^0-9 .,;:/+*#_@&?!()'-].*") }}
{%- endmacro %}
