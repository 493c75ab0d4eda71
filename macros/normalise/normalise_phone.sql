{#- Expression: a phone number in E.164 (+ and 8 to 15 digits). Numbers written with + or 00 stand for themselves; others are
    read as numbers of `country`, an expression of an ISO 3166-1 alpha-2 code, else of var `cdp_default_country`.
    Brackets, dots, dashes, a (0) after the calling code and an extension go; null when letters remain or the
    length is wrong for the country. Values that look right and are nobody's (+491234567890) pass: blocking is identity's job. -#}
{% macro normalise_phone(expression, country='null') -%}
    {%- set countries = _countries() -%}
    {%- set codes = {} -%}
    {%- set trunks = {} -%}
    {%- for name, facts in countries.items() -%}
        {%- do codes.setdefault(facts[0], []).append(name) -%}
        {%- do trunks.setdefault(facts[1], []).append(name) -%}
    {%- endfor -%}

    {#- A trunk zero after the calling code is dropped where the whole code dials it, so Italy's leading zeros stay. -#}
    {%- set zero_codes = [] -%}
    {%- set lengths = [] -%}
    {%- for code, names in codes.items() -%}
        {%- set facts = countries.items() | selectattr(0, 'in', names) | map(attribute=1) | list -%}
        {%- do zero_codes.append(code) if facts | map(attribute=1) | unique | list == ['0'] -%}
        {%- do lengths.append(
            code ~ '[0-9]{' ~ facts | map(attribute=2) | min ~ ',' ~ facts | map(attribute=3) | max ~ '}'
        ) -%}
    {%- endfor -%}
    {%- set known_number = '[+](' ~ lengths | join('|') ~ ')' -%}

    {%- set text = "lower(" ~ plain_characters(expression) ~ ")" -%}
    {%- set text = regexp_replace_all(text, '^(tel|phone|mobile|mobil|handy|fon)?[.: ]+|[ ,;]*(ext|extension|durchwahl|x|#)[.:= ]*[0-9]+$', '') -%}
    {%- set digits = regexp_replace_all(text, '[] ()./_~[-]+', '') -%}
    {%- set number = regexp_replace_all(digits, '^[+]*00', '+') -%}
    {%- set number = regexp_replace_all(number, '^[+](' ~ zero_codes | join('|') ~ ')0', '+\\1') -%}

    {%- set country = "coalesce(" ~ country ~ ", " ~ string_literal(var('cdp_default_country')) ~ ")" -%}
    {%- set code -%}
        case
        {%- for code, names in codes.items() %}
            when {{ country }} in ('{{ names | join("', '") }}') then '{{ code }}'
        {%- endfor %}
        end
    {%- endset -%}
    {%- set subscriber -%}
        case
        {%- for trunk, names in trunks.items() if trunk %}
            when {{ country }} in ('{{ names | join("', '") }}')
                then {{ regexp_replace_all(number, '^' ~ trunk, '') }}
        {%- endfor %}
            else {{ number }}
        end
    {%- endset -%}
    {%- set national = dbt.concat(["'+'", code, subscriber]) -%}
    case
        when {{ regexp_matches_whole(number, '[+][1-9][0-9]{7,14}') }} then {{ number }}
        when not {{ regexp_matches_whole(number, '[0-9]+') }} then null
        when {{ regexp_matches_whole(national, known_number) }} then {{ national }}
        {#- 49171..., the calling code without a plus: too long for a number of the country itself. #}
        when {{ number }} like {{ dbt.concat([code, "'%'"]) }}
            and {{ regexp_matches_whole(dbt.concat(["'+'", number]), known_number) }} then {{ dbt.concat(["'+'", number]) }}
    end
{%- endmacro %}
