{#- Expression: an e-mail address in lower case without what surrounds it (spaces, mailto:, Name <...>, a trailing dot);
    null when no mailbox can have it, or it is several: RFC 5321, 4.5.3.1 (64 characters before the @, 255 behind it), RFC 5322, 3.2.3 (a
    dot-atom: no dot at an end, no two together; quoted names are refused, no form takes them), RFC 1035, 2.3.4 and RFC 1123, 2.1 (labels of
    letters, digits and inner hyphens, 63 at most), RFC 3696, 2 (a last label that is no number), RFC 6531 (letters of all scripts); read
    2026-11-29. Domains stay as written, so a unicode domain is not turned into punycode.
    `gmail` true also takes Gmail's view that dots and +suffixes of a local part mean nothing; off, because then two
    addresses a person gave as different would be one, and what is sent is no longer what they gave. -#}
{% macro normalise_email(expression, gmail=false) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_email(expression, gmail))) }}
{%- endmacro %}

{% macro _normalise_email(expression, gmail) -%}
    {%- set text = "lower(" ~ headwater.plain_characters(expression) ~ ")" -%}
    {%- set bare = headwater.regexp_replace_all(text, '^[^<]*<|>[^@]*$|^[="\' ]*(mailto:)?|[?][^@]*$|[ .,;"\']+$', '') -%}
    {#- Classes of all ASCII but letters and digits; upper case is gone. -#}
    {%- set label = '[^ -/:-@[-`{-~]([^ -,./:-@[-`{-~]{0,61}[^ -/:-@[-`{-~])?' -%}
    {%- set atom = '([^ "(),.:;<>@[-`]|[_`^])+' -%}
    {%- set address = headwater.whole_match_or_null(
        headwater.whole_match_or_null(
            headwater.regexp_replace_all(bare, ' *@ *', '@'),
            atom ~ '([.]' ~ atom ~ ')*@(' ~ label ~ '[.])+([^ -@[-`{-~]{2,63}|xn--[a-z0-9-]{1,58}[a-z0-9])'
        ),
        '[^@]{1,64}@.{4,255}'
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
