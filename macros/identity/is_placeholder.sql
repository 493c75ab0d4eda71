{#- Expression: whether a value, as it was normalised, is a word that stands for nothing, in any spelling. -#}
{% macro is_placeholder(expression) -%}
    {%- set words = [
        'na', 'nan', 'nil', 'null', 'none', 'nothing', 'empty', 'blank', 'missing', 'unknown', 'undefined', 'unspecified', 'unassigned',
        'notapplicable', 'notavailable', 'notprovided', 'notset', 'notknown', 'notgiven', 'notspecified', 'novalue', 'nodata',
        'tbd', 'tba', 'tbc', 'todo', 'dummy', 'placeholder', 'anonymous', 'guest', 'unbekannt', 'keine?', 'keineangaben?', 'nichtbekannt',
        'nichtvorhanden', 'ohne', 'leer', 'inconnue?', 'aucune?', 'nonrenseigne', 'ninguno', 'desconocido', 'sinvalor', 'noaplica',
        'nessuno', 'sconosciuto', 'onbekend', 'geen', 'brak', 'okand', 'ukjent', 'ukendt', 'nenhum', 'desconhecido',
    ] -%}
    {%- set squeezed = headwater.regexp_replace_all("lower(" ~ expression ~ ")", '[[:punct:][:space:]]+', '') -%}
    {#- None is longer, and most values need no look. #}
    (length({{ expression }}) <= 24 and ({{ squeezed }} = '' or {{ headwater.regexp_matches_whole(squeezed, '(' ~ words | join('|') ~ '|x{3,})') }}))
{%- endmacro %}

{#- Expression: whether a value cannot be the tax id of any company: it has no digit, or, behind a country's letters or a label, nothing
    but one digit over and over, digits counted up or down, or too few of them; or it is a word with a few digits. Numbers that are
    only improbable pass. -#}
{% macro is_no_tax_id(expression) -%}
    {%- set squeezed = headwater.regexp_replace_all("upper(" ~ expression ~ ")", '[^0-9A-Z]', '') -%}
    {%- set digits = headwater.regexp_replace_all(squeezed, '^([A-Z]{2}XX|[A-Z]{0,3})|(B[0-9]{2}|MWST|TVA|IVA|VAT)$', '') -%}
    {%- set length = "length(" ~ digits ~ ")" -%}
    {%- set repeats, long_repeats = [], ['0+', '0{9,}[1-9]'] -%}
    {%- for digit in range(10) -%}
        {%- do repeats.append(digit ~ '+') -%}
        {%- do long_repeats.append(digit ~ '{5,}') -%}
    {%- endfor -%}
    {%- set all_digits = headwater.regexp_replace_all("upper(" ~ expression ~ ")", '[^0-9]', '') -%}
    {#- The last are what Mexico, Portugal and India write for nobody. -#}
    {%- set made_up = '(TEST|DUMMY|SAMPLE|FAKE|EXAMPLE|DEMO|TODO|TEMP|NONE|NULL|KEINE|UNKNOWN)[0-9]*|.*X{4,}.*|.*USTG'
        ~ '|X[AE]XX010101000|(PT)?999999990|.*AAAAA0000A.*' -%}
    (
        not {{ headwater.regexp_matches_whole(squeezed, '.*[0-9].*') }}
        or {{ headwater.regexp_matches_whole(squeezed, made_up) }}
        or (length({{ all_digits }}) <= 4 and {{ headwater.regexp_matches_whole(squeezed, '.*[A-Z]{6,}.*') }})
        or {{ headwater.regexp_matches_whole(all_digits, long_repeats | join('|')) }}
        or (length({{ all_digits }}) >= 8 and {{ headwater._counts_up_or_down(all_digits) }})
        or (
            {{ headwater.regexp_matches_whole(digits, '[0-9]*') }}
            {#- Romania alone gives numbers that short. #}
            and not {{ headwater.regexp_matches_whole(squeezed, 'RO0*[1-9][0-9]{1,5}') }}
            and (
                {{ length }} < 4
                or {{ headwater.regexp_matches_whole(digits, repeats | join('|')) }}
                or {{ headwater._counts_up_or_down(digits) }}
            )
        )
    )
{%- endmacro %}

{#- Expression: whether digits are counted from 0 or 1 up, from 9 down, or down to 1. -#}
{% macro _counts_up_or_down(digits) -%}
    {%- set length = "length(" ~ digits ~ ")" -%}
    {{ digits }} in (
        substr('012345678901234567', 1, {{ length }}),
        substr('123456789012345678', 1, {{ length }}),
        substr('987654321098765432', 1, {{ length }}),
        substr('987654321', greatest(10 - {{ length }}, 1), {{ length }})
    )
{%- endmacro %}
