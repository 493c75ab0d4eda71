{#- Expression: a street line for comparing, not for display: lower case, no accents, no punctuation, and the usual words for
    a street in one short form (street, st. -> st; strasse, straße, str. -> str, and so on; avenue -> av; road -> rd). -#}
{% macro normalise_address(expression) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_address(expression))) }}
{%- endmacro %}

{% macro _normalise_address(expression) -%}
    {%- set text = headwater.strip_accents("lower(" ~ headwater.normalise_text(expression) ~ ")") -%}
    {%- set plain = dbt.concat([
        "' '", headwater.regexp_replace_all("replace(" ~ text ~ ", 'ß', 'ss')", "[ .,;:/#'()-]+", ' '), "' '",
    ]) -%}
    {%- set words = namespace(sql=plain) -%}
    {%- for pattern, short in [
        ('strasse ', 'str '), (' street ', ' st '), (' (avenue|avenida|ave) ', ' av '),
        (' road ', ' rd '), (' square ', ' sq '), (' lane ', ' ln '), ('platz ', 'pl '),
    ] -%}
        {%- set words.sql = headwater.regexp_replace_all(words.sql, pattern, short) -%}
    {%- endfor -%}
    nullif(trim({{ words.sql }}), '')
{%- endmacro %}
