{#- Expression: a value normalised by Google's rules and hashed with SHA-256; null for null, and for what is no such value.
    kind: email, phone (with its country's prefix), first_name, last_name. Region and postal code are sent as they are.
    Source: developers.google.com/data-manager/api/get-started/formatting and .../reference/rest/v1/UserData (read 2026-11-24): lower
    case, no white space; dots before the @ removed for gmail.com and googlemail.com, and there alone what follows a plus; a phone
    keeps its plus; names lower case, trimmed, without punctuation. -#}
{% macro hashed_for_google(kind, expression) -%}
    {%- set text = 'lower(trim(' ~ expression ~ '))' -%}
    {%- if kind == 'email' -%}
        {%- set email = headwater.regexp_replace_all(text, '[ ]', '') -%}
        {%- set domain = headwater.regexp_replace_all(email, '^.*@', '') -%}
        {%- set local = headwater.regexp_replace_all(headwater.regexp_replace_all(email, '@.*$', ''), '[+].*$', '') -%}
        {%- set normal = "case when " ~ domain ~ " in ('gmail.com', 'googlemail.com') then "
            ~ dbt.concat(["replace(" ~ local ~ ", '.', '')", "'@'", domain]) ~ " else " ~ email ~ " end" -%}
    {%- elif kind == 'phone' -%}
        {%- set normal = headwater._dialled(expression) -%}
    {%- elif kind in ['first_name', 'last_name'] -%}
        {%- set normal = 'trim(' ~ headwater.without_punctuation(text) ~ ')' -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error("hashed_for_google: kind '" ~ kind ~ "' is not one of email, phone, first_name, last_name.") }}
    {%- endif -%}
    {{ return(headwater._hashed_once(kind, expression, normal)) }}
{%- endmacro %}
