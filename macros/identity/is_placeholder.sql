{#- Expression: whether a value, as it was normalised, is a word that stands for nothing, in any spelling. -#}
{% macro is_placeholder(expression) -%}
    {%- set words = [
        'na', 'nan', 'nil', 'null', 'none', 'nothing', 'empty', 'blank', 'missing', 'unknown', 'undefined', 'unspecified', 'unassigned',
        'notapplicable', 'notavailable', 'notprovided', 'notset', 'notknown', 'notgiven', 'notspecified', 'novalue', 'nodata',
        'tbd', 'tba', 'tbc', 'todo', 'dummy', 'placeholder', 'anonymous', 'guest', 'test', 'asdf(gh?j?k?l?)?', 'qwert[yz]u?i?o?p?', '0+', 'unbekannt', 'keine?', 'keineangaben?', 'nichtbekannt',
        'nichtvorhanden', 'ohne', 'leer', 'inconnue?', 'aucune?', 'nonrenseigne', 'ninguno', 'desconocido', 'sinvalor', 'noaplica',
        'nessuno', 'sconosciuto', 'onbekend', 'geen', 'brak', 'okand', 'ukjent', 'ukendt', 'nenhum', 'desconhecido',
    ] -%}
    {%- set squeezed = headwater.regexp_replace_all("lower(" ~ expression ~ ")", '[[:punct:][:space:]]+', '') -%}
    {#- None is longer, and most values need no look. #}
    (length({{ expression }}) <= 24 and ({{ squeezed }} = '' or {{ headwater.regexp_matches_whole(squeezed, '(' ~ words | join('|') ~ '|x{3,})') }}))
{%- endmacro %}

{#- Expression: whether an address, as it was normalised, is what people or programs write where there is none: words for none or for a test
    before the @ (with digits behind, dots and dashes between), a mailbox that nobody reads, a run of the keyboard or of one letter, or a host
    of examples. A letter or a run of three is one only at a host that is one too: a@a.com, abc@abc.com. -#}
{% macro is_no_email(expression) -%}
    {%- set squeezed = headwater.regexp_replace_all("lower(" ~ expression ~ ")", '[._+-]', '') -%}
    {%- set words = [
        '(test){1,3}', 'test(er|ing|mail|email|user|account|e?mailaddress)', 'dummy', 'fake(e?mail)?', 'sample', 'example', 'beispiel', 'placeholder',
        'none?', 'keine?', 'na', 'null', 'nil', 'nan', 'undefined', 'unknown', 'unbekannt', 'nobody', 'niemand', 'anonym(ous)?', 'invalid', 'missing',
        '(no|non|not|keine?|ohne|kein|sin|pas|pasd|pasde|sem|senza|geen|brak|without|nema|ingen)(e?mail|correo|adresse|mailadresse|emailadresse)s?',
        'noe?mail(address|provided|given)?', 'not(provided|given|available|applicable|known)', 'hasnoe?mail', 'nothave', 'refused', 'declined',
        '(do)?(not?|nicht)(reply|respond|antworten|contact|email|mail)', 'noresponder', 'neparrepondre', 'nepasrepondre', 'bittenichtantworten',
        'no', 'mailerdaemon', 'devnull', 'asdf(gh?j?k?l?)?', '(asdf){2,}', 'qwert[yz]?u?i?o?p?', 'yxcv(bn?m?)?', 'zxcv(bn?m?)?', 'abcd',
        'abc123', '(foo|bar|foobar|blah?|blabla|xyz)', '123', '1234(5?6?7?8?9?0?)?', '(lorem|ipsum)', '(asd|qwe|yxc|zxc){2,}',
        'nope', 'not(real|myemail|mine|thanks?)', 'nothanks', '(no|dont|anti)spam(me)?', 'no?tiene', 'nonho', 'keineangaben?', 'walkin(customer|guest|client)?',
        'anon', 'your?(name|e?mail|e?mailaddress|firstname)', 'usernames?', 'firstname(lastname)?', '(max|erika)mustermann', '(john|jane)doe',
    ] -%}
    {#- Words that are somebody's mailbox at a firm, and nobody's at a host that is such a word itself. -#}
    {%- set generic = '(name|user|me|you|some(one|body|where)|nowhere|nobody|guest|gast|kunde|customer|client|cliente|klient|klant|walkin|store|shop|cash|pos|temp|tmp|trash|junk|spam'
        ~ '|bounce|deleted?|removed?|admin|info|ohne|sin|pas|sans|geen|brak|aucune?|nessuna|correo|e?mail|muster|mustermann|doe|domain|yourdomain|company|[0-9]|na|no|none)' -%}
    {%- set runs, letters = [], 'abcdefghijklmnopqrstuvwxyz0123456789' -%}
    {%- for letter in letters | list -%}
        {%- do runs.append(letter ~ '{3,}') -%}
    {%- endfor -%}
    {%- set short_hosts = '(a+|b+|x+|y+|z+|abc|xyz|aa|bb|xx|yy|zz|123|test|none|na|no|nomail|noemail|mail|email|fake|asd|asdf|qwe|qwerty|foo|bar|abcd|aol|def|cd|bc)' -%}
    {%- set ends = '(com|net|org|de|fr|uk|couk|it|es|nl|pl|at|ch|zz|cc|xx|co|c|io|me|cn|ru|tr|ca|us|biz|be|pt|se|no|dk|fi|cz|eu|info|none|nan)' -%}
    {{ headwater.regexp_matches_whole(squeezed,
        '(' ~ words | join('|') ~ ')[0-9]*@.*'
        ~ '|(' ~ runs | join('|') ~ ')@.*'
        ~ '|([a-z]|ab|abc|xyz|asd|qwe|123|aa|bb|xx|yy|zz)@' ~ short_hosts ~ ends
        ~ '|' ~ generic ~ '@' ~ generic ~ ends ~ '|e?mail@(gmail|googlemail|yahoo|hotmail|outlook|web|gmx)' ~ ends
        ~ '|.*@(noe?mail|nomail|none|test|fake|dummy|example|beispiel|invalid|localhost|null|unknown|asdf|qwerty|keinemail|nowhere|donotreply|noreply|mailinator'
        ~ ')(com|net|org|de|fr|uk|couk|it|es|nl|pl|at|ch|edu|info|invalid|localhost|local|comau|combr)'
        ~ '|(e?mail|name)@e?mailcom|.*@localhostlocaldomain|.*@(domain|yourdomain|mydomain|company|yourcompany|email|mail)(tld|xyz|invalid)'
    ) }}
{%- endmacro %}

{#- Expression: whether a number, as it was normalised, is nobody's: eight digits or more counted up or down, seven behind a country's code
    alone, seven of one digit or more at its end, pairs or threes over and over, or one of those that are kept for films. Numbers that are only
    improbable pass. -#}
{% macro is_no_phone(expression) -%}
    {%- set ends = [] -%}
    {%- for digit in range(10) -%}
        {%- do ends.append(digit ~ '{7,}') -%}
    {%- endfor -%}
    {{ headwater.regexp_matches_whole(expression,
        '[+]?[0-9]{0,5}0?(12345678(9(0(12?3?4?)?)?)?|01234567(8(90?)?)?|98765432(10?)?|87654321(0)?)'
        ~ '|[+]?(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2})?0?(1234567|7654321|(1234){2,}|(123){2,}1234)'
        ~ '|[+]?(1|3[0-469]|4[013-9])?(123456|(12){3})'
        ~ '|[+]?[0-9]{0,7}(' ~ ends | join('|') ~ ')'
        ~ '|[+]?[0-9]{0,4}((12){4,}1?|(01){4,}0?|(10){4,}|(98){4,}|(123){3,}|(321){3,}|(112233)[0-9]*)'
        ~ '|[+]1(555[0-9]{7}|[0-9]{3}555(01[0-9]{2}|1212|1234|5555))|[+]330?102030405|[+]8613800138000'
        ~ '|[+]44(7700900|1632960|2079460|1134960|1144960|1154960|1164960|1174960|1184960|1214960|1314960|1414960|1514960|1614960)[0-9]{3}'
    ) }}
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

{#- Expression: whether a value of a person's, in the columns identifier_type and identifier_value of a relation, stands for nothing, by the kind of its
    type, and no rule allows it for all that. -#}
{% macro stands_for_nothing(relation, entities) -%}
    {%- set type, value = relation ~ '.identifier_type', relation ~ '.identifier_value' -%}
    {%- set nothing, meant = [headwater.is_placeholder(value)], [] -%}
    {%- for entity in entities if entity.name == 'person' -%}
        {%- for rule in entity.identifiers -%}
            {%- set of_type = type ~ ' = ' ~ headwater.string_literal(rule.type) ~ ' and ' -%}
            {%- if rule.kind == 'email' -%}{%- do nothing.append(of_type ~ '(' ~ headwater.is_no_email(value) ~ ')') -%}{%- endif -%}
            {%- if rule.kind == 'phone' -%}{%- do nothing.append(of_type ~ '(' ~ headwater.is_no_phone(value) ~ ')') -%}{%- endif -%}
            {%- if rule.allowed_values -%}
                {%- do meant.append(of_type ~ value ~ ' in (' ~ headwater.string_literals(rule.allowed_values | map('string') | list) ~ ')') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return('(' ~ nothing | join(' or ') ~ ')' ~ (' and not (' ~ meant | join(' or ') ~ ')' if meant else '')) }}
{%- endmacro %}
