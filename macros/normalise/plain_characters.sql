{#- Expression: a string with full-width and Arabic digits, letters and signs as ASCII, every kind of dash and space as the
    plain one, invisible characters removed, accents composed and spaces collapsed. The first step of every normaliser. -#}
{% macro plain_characters(expression) -%}
    {#- U+FF01 to U+FF5E are the full-width forms of '!' to '~'. -#}
    {%- set full_width = '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～' -%}
    {%- set ascii = '!"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~' -%}
    {%- set digits = '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹' -%}
    {%- set dashes = '\u2010\u2011\u2012\u2013\u2014\u2015\u2212' -%}
    {%- set spaces = '\u00a0\u1680\u2002\u2003\u2004\u2005\u2007\u2009\u200a\u202f\u205f\u3000' -%}
    {%- set quotes = '\u2018\u2019\u02bc' -%}
    {%- set invisible = '\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff' -%}
    {%- set characters = full_width ~ digits ~ dashes ~ spaces ~ quotes ~ invisible -%}
    {%- set plain = ascii ~ '01234567890123456789' ~ '-' * (dashes | length) ~ ' ' * (spaces | length) ~ "'" * (quotes | length) -%}
    {%- set translated -%}
        translate({{ expression }}, {{ headwater.string_literal(characters) }}, {{ headwater.string_literal(plain) }})
    {%- endset -%}
    {#- Most values are plain already, and a look costs a tenth of the work. #}
    case
        when {{ headwater.regexp_matches_whole(expression, '[!-~]+( [!-~]+)*') }} then {{ expression }}
        else trim({{ headwater.regexp_replace_all(headwater.unicode_composed(translated), '[[:space:]]+', ' ') }})
    end
{%- endmacro %}
