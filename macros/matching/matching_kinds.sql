{#- Value: how each kind of column is prepared and compared, written once for a kind of data. In the order of a pattern.

    `prepare` makes the stored value of expression {x}; `levels` are tried from the top, the first true one counts and its
    number is the pattern's digit (the top is the highest, 0 is none of them, '-' a value missing); `frequency` says that
    agreeing on a rare value tells more than on a common one; `shared`: people who live together have it in common, so
    it tells which household a record is of, and only the other kinds tell who (`agreement`: unless the two differ, since a telephone may be one's own); `kin`: so many of two people who live together agree on it all
    the same, be it ever so rare (a son called as his father, twins, a family's address of e-mail); `identifies`: equality alone says that
    two records are one's, so that what the other kinds claim is held against it; `missing` and `known_by` are conditions under which two values say nothing:
    other than the highest level, or whatever they are, since another kind has said it; `alike` and `hardly`: of two values of no level, what may be one's
    all the same, and what may be but is more often not (identity_attributes). {l} and {r} are the two prepared values;
    {l.kind} another kind's value of the same record; {words} how much of a text's words the two have in common, rare ones above all, in percent. -#}
{% macro matching_kinds() -%}
    {%- set problems = [] -%}
    {%- do headwater.note_declared_kinds(problems) -%}
    {%- do headwater.stop_for_settings(problems) -%}
    {%- set likenesses = headwater.matching_likenesses() -%}
    {%- if likenesses | list != headwater.matching_likeness_names() -%}
        {{ exceptions.raise_compiler_error('matching_likeness_names are others than those of matching_likenesses: ' ~ likenesses | list | join(', ')) }}
    {%- endif -%}
    {%- set text = {'prepare': headwater._prepared_text('{x}'), 'frequency': true} -%}
    {%- set code = {'prepare': headwater._prepared_code('{x}', '[^a-z0-9]'), 'frequency': true} -%}
    {%- set swapped = '{l.first_name} = {r.last_name} and {l.last_name} = {r.first_name}' -%}
    {%- set same = ['exact', '{l} = {r}'] -%}
    {%- set starts = "substr({l}, 1, length({r})) = {r} or substr({r}, 1, length({l})) = {l}" -%}
    {%- set same_area = "substr({l.postal_code}, 1, 2) = substr({r.postal_code}, 1, 2)" -%}
    {%- set kinds = {
        'first_name': dict(text, levels=[
            same,
            ['close', headwater._ratio_at_least(80)],
            ['swapped', swapped],
            ['short form', starts],
            ['similar', headwater._ratio_at_least(60)],
        ], alike=headwater._alike_first_names(), hardly='substr({l}, 1, 1) = substr({r}, 1, 1)', kin=0.01),
        'last_name': dict(likenesses.person_name, missing=swapped, shared=true),
        'birth_date': dict(likenesses.date, kin=0.005),
        'email': {'prepare': headwater._prepared_email('{x}'), 'frequency': true, 'kin': 0.01, 'identifies': true, 'levels': [
            same,
            ['same mailbox', headwater._mailbox('{l}') ~ ' = ' ~ headwater._mailbox('{r}')],
            ['close', headwater._ratio_at_least_with_digits(85)],
            ['similar', headwater._ratio_at_least_with_digits(65)],
        ], 'missing': headwater._email_says_nothing()},
        'phone': dict(likenesses.phone, shared='agreement'),
        'national_id': dict(likenesses.code, identifies=true),
        'postal_code': dict(code, shared=true, levels=[
            same,
            ['one character', headwater._distance_at_most(1)],
            ['two characters', headwater._distance_at_most(2)],
            ['same area', "substr({l}, 1, 2) = substr({r}, 1, 2)"],
        ]),
        'city': dict(text, shared=true, levels=[same, ['close', headwater._ratio_at_least(75)], ['contained', starts]], known_by=same_area),
        'region': dict(text, shared=true, levels=[same]),
        'street': dict(text, shared=true, levels=[
            same,
            ['close', headwater._ratio_at_least_with_digits(80)],
            ['similar', headwater._ratio_at_least_with_digits(60)],
        ]),
        'house_number': dict(code, shared=true, levels=[same, ['one character', 'length({l}) > 1 and ' ~ headwater._distance_at_most(1)]]),
        'occupation': dict(text, levels=[same]),
        'gender': dict(text, levels=[same]),
        'company_name': likenesses.organisation,
        'domain': {'prepare': headwater.normalise_domain('{x}') | trim, 'frequency': true, 'identifies': true, 'levels': [
            same,
            ['same name', headwater._first_label('{l}') ~ ' = ' ~ headwater._first_label('{r}')],
            ['close', headwater._ratio_at_least(85)],
        ]},
        'tax_id': dict(code, identifies=true, levels=[same, ['one character', headwater._distance_at_most(1)]]),
        'country': dict(text, shared=true, levels=[same]),
        'text': likenesses.words,
    } -%}
    {%- for name, told in headwater.matching_declared_kinds().items() -%}
        {%- do kinds.update({name: dict(likenesses[told.compared_as], shared=told.shared, identifies=told.identifies)}) -%}
    {%- endfor -%}
    {%- set ordered = {} -%}
    {%- for name in headwater.matching_kind_names() -%}{%- do ordered.update({name: kinds[name]}) -%}{%- endfor -%}
    {%- if ordered | length != kinds | length -%}
        {{ exceptions.raise_compiler_error('matching_kind_names lacks some of matching_kinds: ' ~ kinds | list | join(', ')) }}
    {%- endif -%}
    {{ return(ordered) }}
{%- endmacro %}

{#- Value: what kinds there are, in the order of a pattern; saying how each is compared takes a thousand times as long. -#}
{% macro matching_kind_names() -%}
    {{ return(headwater.matching_shipped_kinds() + headwater.matching_declared_kinds() | list) }}
{%- endmacro %}

{% macro matching_shipped_kinds() -%}
    {{ return([
        'first_name', 'last_name', 'birth_date', 'email', 'phone', 'national_id', 'postal_code', 'city', 'region', 'street', 'house_number',
        'occupation', 'gender', 'company_name', 'domain', 'tax_id', 'country', 'text',
    ]) }}
{%- endmacro %}

{#- Value: the blocking rules: pairs that agree on all parts of one rule are compared. A part is a kind, a kind cut to its
    first characters (`kind:n`), the first letters of each of its words (`kind:words`) or of two rare ones (`kind:pairs`), the square of a map that a place
    lies in (`kind:area`, and `kind:shifted` by half a square, since neighbours may live on either side of a line), or two kinds in either order
    (`kind~kind`); a rule counts where all its kinds are present. -#}
{% macro matching_blocking_rules() -%}
    {%- set rules = [
        ['email'], ['phone'], ['national_id'],
        ['first_name~last_name'],
        ['first_name', 'birth_date'], ['last_name', 'birth_date'],
        ['first_name', 'postal_code'], ['last_name', 'postal_code'], ['birth_date', 'postal_code'],
        ['first_name', 'city'], ['last_name', 'city'], ['birth_date', 'city'],
        ['first_name', 'postal_code:3'], ['last_name', 'postal_code:3'], ['birth_date', 'postal_code:3'],
        ['first_name:2', 'last_name:2', 'birth_date:4'],
        ['first_name:2', 'birth_date:4', 'postal_code:2'], ['last_name:2', 'birth_date:4', 'postal_code:2'],
        ['first_name', 'birth_date:4', 'city:3'], ['last_name', 'birth_date:4', 'city:3'],
        ['street', 'first_name:1'], ['street', 'house_number'],
        ['last_name'], ['birth_date'],
        ['first_name'],
        ['tax_id'], ['domain'], ['company_name'], ['company_name:4', 'country'],
        ['company_name:4', 'city:3'], ['company_name:4', 'postal_code:2'],
        ['text:words'], ['text:pairs'],
    ] -%}
    {%- set endings = {'words': [':words', ':pairs'], 'place': [':area', ':shifted'], 'number': []} -%}
    {%- for name, told in headwater.matching_declared_kinds().items() -%}
        {%- for ending in endings.get(told.compared_as, ['']) -%}{%- do rules.append([name ~ ending]) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(rules) }}
{%- endmacro %}

{#- Value: the kinds that a blocking rule uses. -#}
{% macro matching_rule_kinds(rule) -%}
    {%- set kinds = [] -%}
    {%- for part in rule -%}{%- do kinds.extend(part.split(':')[0].split('~')) -%}{%- endfor -%}
    {{ return(kinds) }}
{%- endmacro %}

{#- Text in lower case without accents, punctuation as spaces; letters of other scripts stay. -#}
{% macro _prepared_text(x) -%}
    {%- set text = namespace(sql="lower(cast(" ~ x ~ " as " ~ dbt.type_string() ~ "))") -%}
    {#- Letters that no accent tells from the plain one, so that stripping accents leaves or loses them. -#}
    {%- for letter, letters in {'ß': 'ss', 'æ': 'ae', 'œ': 'oe', 'þ': 'th'}.items() -%}
        {%- set text.sql = "replace(" ~ text.sql ~ ", '" ~ letter ~ "', '" ~ letters ~ "')" -%}
    {%- endfor -%}
    {%- set text.sql = "translate(" ~ text.sql ~ ", 'łøđðħı', 'loddhi')" -%}
    {%- set signs = '!"#$%&()*+,-./:;<=>?@[]^_`{|}~' -%}
    {%- set text.sql = "translate(" ~ headwater.strip_accents(text.sql) ~ ", " ~ headwater.string_literal(signs ~ "'") ~ ", '" ~ ' ' * (signs | length) ~ "')" -%}
    {{ return("nullif(trim(" ~ headwater.regexp_replace_all(text.sql, "[ ]+", " ") ~ "), '')") }}
{%- endmacro %}

{% macro _prepared_code(x, noise) -%}
    {{ return("nullif(" ~ headwater.regexp_replace_all("lower(cast(" ~ x ~ " as " ~ dbt.type_string() ~ "))", noise, "") ~ ", '')") }}
{%- endmacro %}

{#- Eight digits, the year first. Written the other way round (3.2.1980) the year is moved; which of the others is the
    month does not matter, as long as one source keeps to one way. -#}
{% macro _prepared_date(x) -%}
    {%- set text = namespace(sql="trim(cast(" ~ x ~ " as " ~ dbt.type_string() ~ "))") -%}
    {%- for pattern, replacement in [
        ('^([0-9])[^0-9]', '0\\1/'),
        ('[^0-9]([0-9])[^0-9]', '/0\\1/'),
        ('[^0-9]([0-9])$', '/0\\1'),
        ('^([0-9]{2})[^0-9]([0-9]{2})[^0-9]([0-9]{4})', '\\3/\\2/\\1'),
    ] -%}
        {%- set text.sql = headwater.regexp_replace_all(text.sql, pattern, replacement) -%}
    {%- endfor -%}
    {%- set digits = headwater.regexp_replace_all("substr(" ~ text.sql ~ ", 1, 10)", "[^0-9]", "") -%}
    {%- set date = namespace(sql=headwater.whole_match_or_null(digits, "[0-9]{8}")) -%}
    {#- What programs write where there is none. -#}
    {%- for default in ['19000101', '19010101', '19700101'] -%}
        {%- set date.sql = "nullif(" ~ date.sql ~ ", '" ~ default ~ "')" -%}
    {%- endfor -%}
    {{ return(date.sql) }}
{%- endmacro %}

{#- A company's name without its legal form, the same in every country's way of writing it: S.r.l., sp. z o.o., GmbH & Co. KG. -#}
{% macro _prepared_company(x) -%}
    {%- set forms = [
        'gmbh', 'mbh', 'ag', 'kg', 'kgaa', 'ohg', 'ug', 'ev', 'e v', 'se', 'inc', 'incorporated', 'corp', 'corporation',
        'company', '(und |and |et |e )?co', 'llc', 'l l c', 'llp', 'lp', 'ltd', 'limited', 'plc', 'pty', 'pvt', 'pte',
        'bv', 'b v', 'nv', 'n v', 'sa', 's a', 'sarl', 's a r l', 'sas', 's a s', 'srl', 's r l', 'spa', 's p a',
        'sl', 's l', 'slu', 'lda', 'oy', 'oyj', 'ab', 'as', 'a s', 'aps', 'asa', 'kft', 'zrt', 'sro', 's r o',
        'sp z o o', 'sp z oo', 'spolka z o o', 'd o o', 'doo', 'k k', 'kk', 'ae', 'a e', 'tov',
    ] -%}
    {{ return(headwater.regexp_replace_all(headwater._prepared_text(x), '( (' ~ forms | join('|') ~ '))+$', '')) }}
{%- endmacro %}

{#- Condition: two names of which one is in Latin letters and the other is not. -#}
{% macro _other_script() -%}
    {{ return("(" ~ headwater.regexp_matches_whole('{l}', '[^a-z]*') ~ ") <> (" ~ headwater.regexp_matches_whole('{r}', '[^a-z]*') ~ ")") }}
{%- endmacro %}

{#- Condition: first names that may be one person's though no level says so: similar and of one initial (Katja, Katharina), one inside the
    other (Tina, Christina), in another script, or known to be short for each other. -#}
{% macro _alike_first_names() -%}
    {%- set known = {
        'robert': 'bob bobby rob', 'william': 'bill billy', 'richard': 'dick rick', 'edward': 'ted teddy ned', 'margaret': 'peggy daisy rita greta meg',
        'elizabeth': 'liz lizzy betty bess lisa elsa', 'elisabeth': 'lisa elsa betty liz sissi', 'john': 'jack', 'henry': 'harry hal', 'mary': 'polly molly',
        'charles': 'chuck', 'anthony': 'tony', 'alexander': 'sascha sasha xander lex', 'alexandra': 'sascha sasha', 'alexandre': 'sacha',
        'catherine': 'kate katie kathy katherine katharina', 'katherine': 'cathy catherine kate katie kitty', 'katharina': 'kate katja kathi kaethe katinka',
        'aleksandra': 'ola', 'malgorzata': 'gosia', 'katarzyna': 'kasia', 'agnieszka': 'aga', 'joanna': 'asia', 'jakub': 'kuba', 'maria': 'mia mitzi', 'andrew': 'drew', 'helen': 'nell', 'ellen': 'nell',
        'sarah': 'sally', 'james': 'jim', 'johannes': 'hans', 'heinrich': 'heiner heinz', 'joseph': 'sepp', 'josef': 'sepp beppo', 'georg': 'schorsch',
        'magdalena': 'leni', 'gertrud': 'trudi traudl', 'francisco': 'paco pancho', 'jose': 'pepe', 'ignacio': 'nacho', 'guadalupe': 'lupita',
        'giuseppe': 'beppe', 'luigi': 'gigi', 'francesco': 'ciccio', 'yevgeny': 'zhenya', 'evgeny': 'zhenya', 'vladimir': 'volodya', 'dmitry': 'mitya',
        'george': 'yuri jorge', 'susan': 'zuzana', 'walter': 'wally', 'friedrich': 'fritz', 'wilhelm': 'willi billy', 'ludwig': 'lutz', 'ulrich': 'uli',
    } -%}
    {%- set pairs = [] -%}
    {%- for name, others in known.items() -%}
        {%- for other in others.split() -%}
            {%- do pairs.append("'" ~ name ~ "~" ~ other ~ "'") -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set told = pairs | join(', ') -%}
    {{ return("(substr({l}, 1, 1) = substr({r}, 1, 1) and (" ~ headwater._ratio_at_least(60) ~ "))"
        ~ " or (length({r}) >= 3 and " ~ dbt.position('{r}', '{l}') ~ " > 0) or (length({l}) >= 3 and " ~ dbt.position('{l}', '{r}') ~ " > 0)"
        ~ " or " ~ headwater._other_script()
        ~ " or " ~ dbt.concat(['{l}', "'~'", '{r}']) ~ " in (" ~ told ~ ") or " ~ dbt.concat(['{r}', "'~'", '{l}']) ~ " in (" ~ told ~ ")") }}
{%- endmacro %}

{#- Condition: two names that may be one company's: with one first word, one inside the other, the initials of the other, or in another script. -#}
{% macro _alike_companies() -%}
    {%- set alike = [headwater._other_script(), headwater._first_word('{l}') ~ " = " ~ headwater._first_word('{r}')] -%}
    {%- for one, other in [('{l}', '{r}'), ('{r}', '{l}')] -%}
        {%- do alike.append("length(" ~ other ~ ") >= 3 and " ~ dbt.position(other, one) ~ " > 0") -%}
        {%- do alike.append(headwater.regexp_replace_all(one, '([^ ])[^ ]* ?', '\\1') ~ " = " ~ headwater.regexp_replace_all(other, ' ', '')) -%}
    {%- endfor -%}
    {{ return("(" ~ alike | join(") or (") ~ ")") }}
{%- endmacro %}

{% macro _first_word(x) -%}
    {{ return(headwater.regexp_replace_all(x, ' .*$', '')) }}
{%- endmacro %}

{#- Of a domain, what stands before its first dot: acme of acme.co.uk. -#}
{% macro _first_label(x) -%}
    {{ return(headwater.regexp_replace_all(x, '[.].*$', '')) }}
{%- endmacro %}

{% macro _prepared_email(x) -%}
    {{ return("nullif(lower(trim(cast(" ~ x ~ " as " ~ dbt.type_string() ~ "))), '')") }}
{%- endmacro %}

{% macro _mailbox(x) -%}
    {{ return(headwater.regexp_replace_all(x, '@.*', '')) }}
{%- endmacro %}

{#- Condition: two addresses that are alike and tell nothing by it: those of namesakes are, at other hosts (a slip in a host's name is none),
    and where they are made of the names that are compared themselves. -#}
{% macro _email_says_nothing() -%}
    {%- set named = [] -%}
    {%- for side in ['l', 'r'] -%}
        {%- for kind in ['first_name', 'last_name'] -%}
            {%- set name = '{' ~ side ~ '.' ~ kind ~ '}' -%}
            {%- do named.append("coalesce(length(" ~ name ~ ") >= 3 and "
                ~ dbt.position(name, headwater._mailbox('{' ~ side ~ '}')) ~ " > 0, false)") -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- In which letters of the address a name of another script is, nobody can say. -#}
    {%- do named.append("coalesce(" ~ headwater.regexp_matches_whole('{l.first_name}', '[^a-z]+') ~ ", false)") -%}
    {%- do named.append("coalesce(" ~ headwater.regexp_matches_whole('{l.last_name}', '[^a-z]+') ~ ", false)") -%}
    {%- set hosts = [headwater._host('{l}'), headwater._host('{r}')] -%}
    {%- set same_host = "(" ~ headwater.levenshtein(hosts[0], hosts[1]) ~ ") * 100 <= greatest(length(" ~ hosts | join("), length(") ~ ")) * 20" -%}
    {%- set same_mailbox = headwater._mailbox('{l}') ~ ' = ' ~ headwater._mailbox('{r}') -%}
    {{ return("((" ~ named | join(" or ") ~ ") and (" ~ same_mailbox ~ " or " ~ headwater._ratio_at_least_with_digits(65) ~ "))"
        ~ " or (" ~ same_mailbox ~ " and length(" ~ headwater._mailbox('{l}') ~ ") < 4)"
        ~ " or (not (" ~ same_mailbox ~ ") and not (" ~ same_host ~ ") and " ~ headwater._ratio_at_least_with_digits(65) ~ ")") }}
{%- endmacro %}

{% macro _host(x) -%}
    {{ return(headwater.regexp_replace_all(x, '^.*@', '')) }}
{%- endmacro %}

{% macro _digits(x) -%}
    {{ return(headwater.regexp_replace_all(x, '[^0-9]', '')) }}
{%- endmacro %}

{% macro _distance_at_most(edits) -%}
    {{ return("(" ~ headwater.levenshtein('{l}', '{r}') ~ ") <= " ~ edits) }}
{%- endmacro %}

{#- Similarity is 1 - distance / longer length, compared in whole numbers. -#}
{% macro _ratio_at_least(percent) -%}
    {{ return("(" ~ headwater.levenshtein('{l}', '{r}') ~ ") * 100 <= greatest(length({l}), length({r})) * " ~ (100 - percent)) }}
{%- endmacro %}

{#- Names with numbers in them differ by the numbers: anna.meyer12 and anna.meyer77, Store 12 and Store 17. -#}
{% macro _ratio_at_least_with_digits(percent) -%}
    {{ return(headwater._ratio_at_least(percent) ~ " and " ~ headwater._digits("{l}") ~ " = " ~ headwater._digits("{r}")) }}
{%- endmacro %}
