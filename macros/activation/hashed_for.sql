{#- Expression: a value hashed by the rules of `vendor`, which are Google's or Meta's own, or for others theirs kind by kind.
    Sources, read 2026-11-29: of TikTok ads.tiktok.com/help/article/advanced-matching-web (an address lower case and trimmed, a phone in
    E.164 with its plus); of Snapchat developers.snap.com/api/marketing-api/Conversions-API/BestPractices (lower case and trimmed, a phone
    without plus and leading zeros); of LinkedIn and Pinterest the sources in docs/destinations.md (lower case and trimmed). Of Microsoft
    no page could be read: lower case and trimmed, as public clients do. -#}
{% macro hashed_for(vendor, kind, expression) -%}
    {%- set owners = ['google', 'meta'] -%}
    {%- set kinds = {
        'linkedin': {'email': 'meta'},
        'microsoft': {'email': 'meta'},
        'pinterest': {'email': 'meta'},
        'snapchat': {'email': 'meta', 'phone': 'meta'},
        'tiktok': {'email': 'meta', 'phone': 'google'},
    } -%}
    {%- if vendor not in owners and vendor not in kinds -%}
        {{ exceptions.raise_compiler_error("hashed_for: vendor '" ~ vendor ~ "' is not one of "
            ~ (owners + (kinds.keys() | list)) | sort | join(', ') ~ ".") }}
    {%- elif vendor in kinds and kind not in kinds[vendor] -%}
        {{ exceptions.raise_compiler_error("hashed_for: of " ~ vendor ~ " kind '" ~ kind ~ "' is not one of "
            ~ kinds[vendor].keys() | join(', ') ~ ".") }}
    {%- endif -%}
    {%- set owner = vendor if vendor in owners else kinds[vendor][kind] -%}
    {%- if owner == 'google' -%}
        {{ return(headwater.hashed_for_google(kind, expression)) }}
    {%- endif -%}
    {{ return(headwater.hashed_for_meta(kind, expression)) }}
{%- endmacro %}

{#- Expression: the SHA-256 of what a value is by the vendor's rules, `normal`.
    A SHA-256 that is there already stays one, in lower case: it was hashed by whoever gave it, and hashed again nobody is matched.
    What cannot be a value of the kind (a phone without its country, half an address, a hash of another sort) is null. -#}
{% macro _hashed_once(kind, expression, normal) -%}
    {%- set given = 'trim(' ~ expression ~ ')' -%}
    {%- set shapes = {
        'email': '[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+',
        'phone': '[+]?[1-9][0-9]{6,14}',
        'country': '[a-z]{2}',
        'gender': '[fm]',
        'birth_year': '(19|20)[0-9]{2}',
        'birth_month': '0[1-9]|1[0-2]',
        'birth_day': '0[1-9]|[12][0-9]|3[01]',
    } -%}
    {%- set is_one = headwater.regexp_matches_whole(normal, shapes[kind]) if kind in shapes
        else "not " ~ headwater.regexp_matches_whole(given, '([0-9a-fA-F]{8}){4,}') -%}
    {{ return("case when " ~ headwater.regexp_matches_whole(given, '[0-9a-fA-F]{64}') ~ " then lower(" ~ given ~ ") when " ~ is_one
        ~ " then " ~ headwater.sha256_hex("nullif(" ~ normal ~ ", '')") ~ " end") }}
{%- endmacro %}

{#- Expression: a phone with its country's prefix as plus and digits, whatever stands between them; null without a prefix, since
    the digits alone may be a number of any country, and with letters, since what follows them is an extension. A (0) is not dialled
    from abroad. profiles.phone is read with more care (normalise_phone). -#}
{% macro _dialled(expression) -%}
    {%- set number = headwater.regexp_replace_all(expression, '^[ ]*[Tt][Ee][Ll]:|[(]0[)]', '') -%}
    {%- set digits = headwater.regexp_replace_all(number, '[^0-9+A-Za-z#]', '') -%}
    {%- set plus = headwater.regexp_replace_all(digits, '^00', '+') -%}
    {{ return("case when " ~ headwater.regexp_matches_whole(plus, '[+][0-9]+') ~ " then " ~ plus ~ " end") }}
{%- endmacro %}
