{#- Expression: a value normalised by Meta's rules and hashed with SHA-256; null for null, and for what is no such value.
    kind: email, phone (with its country's prefix), first_name, last_name, city, region, postal_code, country (ISO2), gender (f, m,
    female, male), birth_year, birth_month, birth_day.
    Source: developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences, section on hashing
    and normalisation, facebook.com/business/help/2082575038703844 (read 2026-11-24), and
    developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters (read 2026-11-29):
    lower case and trimmed; a phone has its country code and neither plus nor leading zeros; names and cities without punctuation;
    a US postal code is five digits, any other has neither blanks nor dashes; a state is a US code of two letters, and elsewhere
    its name without punctuation and blanks; a gender is f or m; a birth date is YYYY, MM and DD. -#}
{% macro hashed_for_meta(kind, expression) -%}
    {%- set text = 'lower(trim(' ~ expression ~ '))' -%}
    {%- if kind in ['email', 'country', 'birth_year'] -%}
        {%- set normal = text -%}
    {%- elif kind == 'phone' -%}
        {%- set normal = headwater.regexp_replace_all(headwater._dialled(expression), '^[+]', '') -%}
    {%- elif kind in ['first_name', 'last_name'] -%}
        {%- set normal = 'trim(' ~ headwater.without_punctuation(text) ~ ')' -%}
    {%- elif kind in ['city', 'region'] -%}
        {%- set normal = headwater.regexp_replace_all(headwater.without_punctuation(text), '[ ]', '') -%}
    {%- elif kind == 'postal_code' -%}
        {%- set normal = 'case when ' ~ headwater.regexp_matches_whole(text, '[0-9]{5}-[0-9]{4}') ~ ' then substr(' ~ text ~ ', 1, 5) else '
            ~ headwater.regexp_replace_all(text, '[ -]', '') ~ ' end' -%}
    {%- elif kind == 'gender' -%}
        {%- set normal = "case when " ~ text ~ " in ('f', 'female') then 'f' when " ~ text ~ " in ('m', 'male') then 'm' else "
            ~ text ~ " end" -%}
    {%- elif kind in ['birth_month', 'birth_day'] -%}
        {%- set normal = 'case when length(' ~ text ~ ') = 1 then ' ~ dbt.concat(["'0'", text]) ~ ' else ' ~ text ~ ' end' -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error("hashed_for_meta: kind '" ~ kind ~ "' is not one of email, phone, first_name, last_name, city, "
            ~ "region, postal_code, country, gender, birth_year, birth_month, birth_day.") }}
    {%- endif -%}
    {{ return(headwater._hashed_once(kind, expression, normal)) }}
{%- endmacro %}

{#- Expression: text without punctuation marks; letters of every script stay. -#}
{% macro without_punctuation(expression) -%}
    {{ return(headwater.regexp_replace_all(expression, '[!-/:-@{-~`^_|]', '')) }}
{%- endmacro %}
