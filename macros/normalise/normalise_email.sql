{#- Expression: an e-mail address in lower case without what surrounds it (spaces, mailto:, Name <...>, a trailing dot);
    null when it has not the shape of one, or is several. Domains stay as written, so a unicode domain is not turned into punycode.
    `gmail` true also takes Gmail's view that dots and +suffixes of a local part mean nothing; off, because then two
    addresses a person gave as different would be one, and what is sent is no longer what they gave. -#}
{% macro normalise_email(expression, gmail=false) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_email(expression, gmail))) }}
{%- endmacro %}

{% macro _normalise_email(expression, gmail) -%}
    {%- set text = "lower(" ~ headwater.plain_characters(expression) ~ ")" -%}
    {%- set bare = headwater.regexp_replace_all(text, '^[^<]*<|>[^@]*$|^[="\' ]*(mailto:)?|[?][^@]*$|[ .,;"\']+$', '') -%}
    {%- set address = headwater.whole_match_or_null(
        headwater.regexp_replace_all(bare, ' *@ *', '@'), '[^@ ,;:<>()"]+@([^@ .,;:<>()"/?|&=]+[.])+[^@ .,;:<>()"/?|&=]{2,}'
    ) -%}
    {%- if gmail -%}
    case
        when {{ headwater.email_domain(address) }} in ('gmail.com', 'googlemail.com')
            then {{ dbt.concat([
                headwater.regexp_replace_all(dbt.split_part(address, "'@'", 1), '[+].*$|[.]', ''), "'@gmail.com'",
            ]) }}
        else {{ address }}
    end
    {%- else -%}
    {{ address }}
    {%- endif -%}
{%- endmacro %}
