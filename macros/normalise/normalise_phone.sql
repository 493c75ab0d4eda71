{#- Expression: a phone number in E.164 (+ and 8 to 15 digits). Numbers written with + or 00 stand for themselves; others are
    read as numbers of `country`, an expression of an ISO 3166-1 alpha-2 code, else of var `cdp_default_country`; where that is not set
    they are of no country and not read (ZZ is nobody's code).
    Brackets, dots, dashes, a (0) after the calling code and an extension go; null when letters remain or the
    length is wrong for the country. Values that look right and are nobody's (+491234567890) pass: blocking is identity's job. -#}
{% macro normalise_phone(expression, country='null') -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_phone(expression, country))) }}
{%- endmacro %}

{% macro _normalise_phone(expression, country) -%}
    {%- set facts = headwater._calling_code_patterns() -%}

    {#- Digits of other scripts, and what people write between digits: the characters beyond the first 31 are dropped. -#}
    {%- set digits = '０１２３４５６７８９٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹＋' -%}
    {%- set between = ' ()[]./_~-（）．－／\t\u00a0\u2007\u2009\u202f\u3000\u2010\u2011\u2012\u2013\u2014\u2212\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2069\ufeff' -%}
    {%- set number -%}
        case
            {#- What a data frame made a float: its .0 is no digit of the number. #}
            when {{ headwater.regexp_matches_whole(expression, '[+]?[1-9][0-9]{6,}[.]0') }} then {{ dbt.split_part(expression, "'.'", 1) }}
            when {{ headwater.regexp_matches_whole(expression, '[ -~]*') }}
                then translate(lower({{ expression }}), ' ()[]./_~-', '')
            else translate(lower({{ expression }}), {{ headwater.string_literal(digits ~ between) }}, '012345678901234567890123456789+')
        end
    {%- endset -%}
    {#- Quotes and = are guards of spreadsheets against formulas: '+49..., ="+49...". -#}
    {%- set number = headwater.regexp_replace_all(
        number, '^[="\']*(tel|phone|mobile|mobil|fon)?:?|((;?ext|extension|durchwahl|x|#)[:=]*[0-9]+)?["\']*$', ''
    ) -%}
    {%- set number = headwater.regexp_replace_all(number, '^[+]*00', '+') -%}
    {#- A trunk zero after the calling code is dropped where the code's countries dial one: not in Italy. -#}
    {%- set number = headwater.regexp_replace_all(number, '^[+](' ~ facts.zero_codes ~ ')0', '+\\1') -%}

    {%- set country = "coalesce(" ~ country ~ ", " ~ headwater.string_literal(var('cdp_default_country', none) or 'ZZ') ~ ")" -%}
    {#- What follows the country in DE49,AT43,...: a tenth of the planning time of a case of 242 branches. -#}
    {%- set calling_code = "nullif(" ~ dbt.split_part(dbt.split_part("'" ~ facts.codes ~ "'", country, 2), "','", 1) ~ ", '')" -%}
    {%- set subscriber = headwater.regexp_replace_all(dbt.concat([country, number]), facts.country_and_trunk, '') -%}
    coalesce(
        {{ headwater.whole_match_or_null(number, '[+][1-9][0-9]{7,14}') }},
        {{ headwater.whole_match_or_null(dbt.concat(["'+'", calling_code, subscriber]), facts.known_number) }},
        {#- 49171..., the calling code without a plus. #}
        case
            when {{ number }} like {{ dbt.concat([calling_code, "'%'"]) }}
                then {{ headwater.whole_match_or_null(dbt.concat(["'+'", number]), facts.known_number) }}
        end
    )
{%- endmacro %}

{#- What normalise_phone needs of the countries, as patterns. -#}
{% macro _calling_code_patterns() -%}
    {%- set countries = headwater._countries() -%}
    {%- set codes = [] -%}
    {%- set by_code = {} -%}
    {%- set by_trunk = {} -%}
    {%- set by_lengths = {} -%}
    {%- for country, facts in countries.items() -%}
        {%- do codes.append(country ~ facts[0]) -%}
        {%- do by_code.setdefault(facts[0], []).append(facts) -%}
        {%- do by_trunk.setdefault(facts[1], []).append(country) if facts[1] -%}
    {%- endfor -%}
    {%- set zero_codes = [] -%}
    {%- for code, facts in by_code.items() -%}
        {%- do zero_codes.append(code) if facts | map(attribute=1) | unique | list == ['0'] -%}
        {%- set lengths = '{' ~ facts | map(attribute=2) | min ~ ',' ~ facts | map(attribute=3) | max ~ '}' -%}
        {%- do by_lengths.setdefault(lengths, []).append(code) -%}
    {%- endfor -%}
    {%- set known = [] -%}
    {%- for lengths, of_length in by_lengths.items() -%}
        {%- do known.append('(' ~ headwater._any_of(of_length) ~ ')[0-9]' ~ lengths) -%}
    {%- endfor -%}
    {%- set trunks = [] -%}
    {%- for trunk, names in by_trunk.items() -%}
        {%- do trunks.append('^(' ~ headwater._any_of(names) ~ ')' ~ trunk) -%}
    {%- endfor -%}
    {{ return({
        'codes': codes | join(','),
        'zero_codes': headwater._any_of(zero_codes),
        'known_number': '[+](' ~ known | join('|') ~ ')',
        'country_and_trunk': (trunks + ['^[A-Z][A-Z]']) | join('|'),
    }) }}
{%- endmacro %}

{#- A short pattern for a list of words: 40, 41 and 49 as 4[019]. -#}
{% macro _any_of(words) -%}
    {%- set endings = {} -%}
    {%- for word in words -%}
        {%- do endings.setdefault(word[:-1], []).append(word[-1]) -%}
    {%- endfor -%}
    {%- set parts = [] -%}
    {%- for start, ends in endings.items() -%}
        {%- do parts.append(start ~ ('[' ~ ends | join ~ ']' if ends | length > 1 else ends[0])) -%}
    {%- endfor -%}
    {{ return(parts | join('|')) }}
{%- endmacro %}
