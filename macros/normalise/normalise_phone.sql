{#- Expression: a phone number in E.164 (+ and up to 15 digits). Numbers written with + or 00 stand for themselves; others are
    read as numbers of `country`, an expression of an ISO 3166-1 alpha-2 code, else of var `cdp_default_country`; where that is not set
    they are of no country and not read (ZZ is nobody's code).
    Brackets, dots, dashes, a (0) after the calling code and an extension go, and so do what is dialled inside a country only and digits
    that a country has left or added since; null when letters remain or the length is wrong for the country's fixed lines and mobiles. Values
    that look right and are nobody's (+491234567890) pass: blocking is identity's job.

        0171 1234567, DE -> +491711234567        8 025 724-94-70, BY -> +375257249470        044 55 1234 5678, MX -> +525512345678 -#}
{% macro normalise_phone(expression, country='null') -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_phone(expression, country))) }}
{%- endmacro %}

{% macro _normalise_phone(expression, country) -%}
    {%- set patterns = headwater._phone_patterns() -%}

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

    {%- set country = "coalesce(" ~ country ~ ", " ~ headwater.string_literal(headwater.default_country() or 'ZZ') ~ ")" -%}
    {#- DE0171...; from here on a + says that the calling code is there. -#}
    {%- set dialled = headwater.regexp_replace_all(dbt.concat([country, number]), patterns.dialled_abroad, '+') -%}
    {#- What follows the country in DE49,AT43,...: a tenth of the planning time of a case of 242 branches. -#}
    {%- set calling_code = "nullif(" ~ dbt.split_part(dbt.split_part("'" ~ patterns.codes ~ "'", country, 2), "','", 1) ~ ", '')" -%}
    {%- set international -%}
        case
            when {{ dialled }} like '+%' then {{ dialled }}
            {#- 49171..., the calling code without a plus. #}
            when {{ headwater.regexp_matches_whole(dialled, patterns.without_plus) }} then {{ dbt.concat(["'+'", number]) }}
            else {{ dbt.concat(["'+'", calling_code, headwater.regexp_replace_all(dialled, patterns.dialled_inside, '')]) }}
        end
    {%- endset -%}
    {%- set international = namespace(sql=international) -%}
    {%- for pattern, replacement in patterns.repairs -%}
        {%- set international.sql = headwater.regexp_replace_all(international.sql, pattern, replacement) -%}
    {%- endfor -%}
    {{ headwater.whole_match_or_null(international.sql, patterns.known_number) }}
{%- endmacro %}
