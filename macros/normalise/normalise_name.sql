{#- Expression: a person's name for display: as normalise_text, without titles in front; null when it holds no letter. Case is kept:
    'van der Berg' and 'McKay' know better. Null, Test, None, Unknown, Na and Nil are names of people; null, none, unknown and undefined in lower case are not. -#}
{% macro normalise_name(expression) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_name(expression))) }}
{%- endmacro %}

{% macro _normalise_name(expression) -%}
    {%- set text = headwater.normalise_text(expression, ['n/a', 'n[.]a[.]', 'xxx+']) -%}
    {#- In lower case, as programs write them and hardly anybody their own name. -#}
    {%- set text = headwater.regexp_replace_all(text, '^(null|none|unknown|undefined)$', '') -%}
    {%- set title = '(Mr|MR|mr|Mrs|MRS|mrs|Ms|MS|ms|Miss|Dr|DR|dr|Prof|PROF|prof|Herr|Frau|Mme)' -%}
    {%- set name = headwater.regexp_replace_all(text, '^(' ~ title ~ '([.] *| +))+', '') -%}
    {{ headwater.whole_match_or_null(name, headwater._holds_a_letter()) }}
{%- endmacro %}

{#- A pattern: not only digits and signs. -#}
{% macro _holds_a_letter() -%}
    {{ return(".*[^0-9 .,;:/+*#_@&?!()'-].*") }}
{%- endmacro %}
