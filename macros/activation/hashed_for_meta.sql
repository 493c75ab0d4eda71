{#- Expression: a value normalised by Meta's rules and hashed with SHA-256; null stays null, and so does what normalises to nothing.
    kind: email, phone (E.164), first_name, last_name, city, postal_code, country (ISO2).
    Source: developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences, section on hashing
    and normalisation, and facebook.com/business/help/2082575038703844 (read 2026-11-24): lower case and trimmed; a phone has its
    country code and neither plus nor leading zeros; names and cities without punctuation; a US postal code is five digits. -#}
{% macro hashed_for_meta(kind, expression) -%}
    {%- set text = 'lower(trim(' ~ expression ~ '))' -%}
    {%- if kind == 'email' -%}
        {%- set normal = text -%}
    {%- elif kind == 'phone' -%}
        {%- set normal = headwater.regexp_replace_all(headwater.regexp_replace_all(expression, '[^0-9]', ''), '^0+', '') -%}
    {%- elif kind in ['first_name', 'last_name'] -%}
        {%- set normal = 'trim(' ~ headwater.without_punctuation(text) ~ ')' -%}
    {%- elif kind == 'city' -%}
        {%- set normal = headwater.regexp_replace_all(headwater.without_punctuation(text), '[ ]', '') -%}
    {%- elif kind == 'postal_code' -%}
        {%- set normal = headwater.regexp_replace_all(headwater.regexp_replace_all(text, '-.*$', ''), '[ ]', '') -%}
    {%- elif kind == 'country' -%}
        {%- set normal = text -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error("hashed_for_meta: kind '" ~ kind
            ~ "' is not one of email, phone, first_name, last_name, city, postal_code, country.") }}
    {%- endif -%}
    {{ return(headwater.sha256_hex("nullif(" ~ normal ~ ", '')")) }}
{%- endmacro %}

{#- Expression: text without punctuation marks; letters of every script stay. -#}
{% macro without_punctuation(expression) -%}
    {{ return(headwater.regexp_replace_all(expression, '[!-/:-@{-~`^_|]', '')) }}
{%- endmacro %}
