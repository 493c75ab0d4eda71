{#- Value: what normalise_phone needs of the countries, as patterns. A number is written there as its country and what was dialled, DE0171. -#}
{% macro _phone_patterns() -%}
    {%- set countries = headwater._countries() -%}
    {%- set codes, north_american, without_plus, zero_codes, known, trunks = [], [], [], [], [], [] -%}
    {%- set by_code, by_trunk, by_lengths = {}, {}, {} -%}
    {%- set patterns = {} -%}  {#- by lengths and more than what: many countries share them #}
    {#- Where more than a trunk prefix may be in front, or a number may begin with its digit too: `repairs` take it off by the length. -#}
    {%- set repaired = ['375', '7', '993', '55'] -%}
    {#- Calling codes that a number of the country itself can begin with, by how long such a number is: a longer one has its calling code. -#}
    {%- set longest = {} -%}
    {%- for digits, some in {
        5: '290 500 685', 6: '298 299 376 508', 7: '230 238 241 243 252 267 501 507 679 680 960 961',
        8: '213 216 222 231 266 32 355 36 370 373 377 386 387 45 47 502 503 506 51 53 65 850 853 886 95 965 968 971 976',
        9: '20 218 233 244 250 251 255 262 27 31 33 358 380 41 421 46 48 590 594 596 63 66 84 963 994 996 998', 10: '39 7 91 92', 11: '49 55 62',
    }.items() -%}
        {%- for code in some.split() -%}{%- do longest.update({code: digits}) -%}{%- endfor -%}
    {%- endfor -%}
    {%- for country, facts in countries.items() -%}
        {%- do codes.append(country ~ facts[0]) -%}
        {%- do north_american.append(country) if facts[0] == '1' -%}
        {%- do by_code.setdefault(facts[0], []).append(facts) -%}
        {%- do by_trunk.setdefault(facts[1], []).append(country) if facts[1] and facts[0] not in repaired -%}
    {%- endfor -%}
    {%- for code, facts in by_code.items() -%}
        {%- do zero_codes.append(code) if facts | map(attribute=1) | unique | list == ['0'] and code not in repaired -%}
        {%- set asked = facts | map(attribute=2) | unique | join(' ') -%}
        {%- if asked not in patterns -%}{%- do patterns.update({asked: headwater._digits_of_lengths([asked])}) -%}{%- endif -%}
        {%- do by_lengths.setdefault(patterns[asked], []).append(code) -%}
    {%- endfor -%}
    {%- for lengths, of_length in by_lengths.items() -%}
        {%- do known.append('(' ~ headwater._any_of(of_length) ~ ')' ~ lengths) -%}
    {%- endfor -%}
    {%- for country, facts in countries.items() -%}
        {%- set asked = (facts[2], longest.get(facts[0], 0) - facts[0] | length) -%}
        {%- if asked not in patterns -%}{%- do patterns.update({asked: headwater._digits_of_lengths([asked[0]], more_than=asked[1])}) -%}{%- endif -%}
        {%- set national = patterns[asked] -%}
        {%- do without_plus.append(country ~ facts[0] ~ national) if national -%}
    {%- endfor -%}
    {%- for trunk, names in by_trunk.items() -%}
        {%- do trunks.append('^(' ~ headwater._any_of(names) ~ ')' ~ trunk) -%}
    {%- endfor -%}
    {#- In this order: a trunk zero after the calling code, where the code's countries dial one (not in Italy); the trunk prefixes of Belarus,
        Lithuania, Russia and Kazakhstan, Turkmenistan, Hungary; what Mexico took away in 2019 and 2020 (1 after the code, 01, 044, 045);
        Argentina's mobiles, which are 0 area 15 number inside the country and 9 area number from abroad; Brazil's carriers, and the 9 that its
        mobiles of eight digits got in front by 2016. -#}
    {%- set repairs = [
        ['^[+](' ~ headwater._any_of(zero_codes) ~ ')0', '+\\1'],
        ['^[+]37580?([0-9]{9})$', '+375\\1'], ['^[+]370[08]([0-9]{8})$', '+370\\1'], ['^[+](7|993)8([0-9]{10}|[0-9]{8})$', '+\\1\\2'],
        ['^[+]3606', '+36'],
        ['^[+]52(1|01|04[45])([0-9]{10})$', '+52\\2'],
        ['^[+]54(11|22[013]|23[067]|249|26[01346]|280|29[14789]|336|34[12358]|35[138]|36[24]|37[069]|38[013578]|[23][0-9]{3})15([0-9]{6,8})$',
            '+549\\1\\2'],
        ['^[+]550((1[245]|2[1-35]|31|4[13]|[56]5|99)?)([1-9][0-9]{9,10})$', '+55\\3'], ['^[+]55([1-9][1-9])([689][0-9]{7})$', '+55\\1+9\\2'],
        ['([0-9])[+]', '\\1'],
    ] -%}
    {{ return({
        'codes': codes | join(','),
        'dialled_abroad': '^AU0011|^[A-Z][A-Z]([+]*00|[+])|^(' ~ headwater._any_of(north_american) ~ ')011|^JP010|^(BY|KZ|RU|TM)810',
        'without_plus': without_plus | join('|'),
        'dialled_inside': (trunks + ['^[A-Z][A-Z]']) | join('|'),
        'repairs': repairs,
        'known_number': '[+](' ~ known | join('|') ~ ')',
    }) }}
{%- endmacro %}

{#- A pattern of as many digits as any of the lengths (`6 9-10`) says, of more than `more_than` only; '' where none is left. -#}
{% macro _digits_of_lengths(lengths, more_than=0) -%}
    {%- set allowed = [] -%}
    {%- for part in (lengths | join(' ')).split() -%}
        {%- set ends = part.split('-') -%}
        {%- for n in range(ends[0] | int, (ends | last | int) + 1) if n > more_than and n not in allowed -%}
            {%- do allowed.append(n) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set parts = [] -%}
    {%- for n in allowed | sort if n - 1 not in allowed -%}
        {%- set run = namespace(last=n) -%}
        {#- dbt's v2 asks the `if` of a loop before its first turn, so this one stands inside. -#}
        {%- for m in allowed | sort -%}{%- set run.last = m if m == run.last + 1 else run.last -%}{%- endfor -%}
        {%- do parts.append('[0-9]{' ~ n ~ (',' ~ run.last if run.last > n else '') ~ '}') -%}
    {%- endfor -%}
    {{ return('(' ~ parts | join('|') ~ ')' if parts | length > 1 else parts | join) }}
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
