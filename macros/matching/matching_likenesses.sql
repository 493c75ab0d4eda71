{#- Value: the ways in which values of one sort are alike, by name: what a kind of your own is compared as (`cdp_matching: kinds`), and several that
    ship are. The entries are those of `matching_kinds`. -#}
{% macro matching_likenesses() -%}
    {%- set same = ['exact', '{l} = {r}'] -%}
    {%- set starts = "substr({l}, 1, length({r})) = {r} or substr({r}, 1, length({l})) = {l}" -%}
    {{ return({
        'person_name': {'prepare': headwater._prepared_text('{x}'), 'frequency': true, 'levels': [
            same,
            ['close', headwater._ratio_at_least(80)],
            ['short form', starts],
            ['similar', headwater._ratio_at_least(60)],
        ], 'alike': headwater._other_script()},
        'organisation': {'prepare': headwater._prepared_company('{x}'), 'frequency': true, 'levels': [
            same,
            ['close', headwater._ratio_at_least_with_digits(85)],
            ['longer form', "substr({l}, 1, length({r}) + 1) = " ~ dbt.concat(['{r}', "' '"])
                ~ " or substr({r}, 1, length({l}) + 1) = " ~ dbt.concat(['{l}', "' '"])],
            ['similar', headwater._ratio_at_least_with_digits(65)],
        ], 'alike': headwater._alike_companies()},
        'words': {'prepare': headwater._prepared_text('{x}'), 'frequency': false, 'is_words': true, 'levels': [
            same,
            ['nearly all words', '{words} >= 85'],
            ['most words', '{words} >= 65'],
            ['many words', '{words} >= 45'],
            ['some words', '{words} >= 25'],
        ], 'alike': '1 = 1'},
        'code': {'prepare': headwater._prepared_code('{x}', '[^a-z0-9]'), 'frequency': true, 'levels': [
            same,
            ['one character', headwater._distance_at_most(1)],
            ['two characters', headwater._distance_at_most(2)],
        ]},
        'date': {'prepare': headwater._prepared_date('{x}'), 'frequency': true, 'levels': [
            same,
            ['one character', headwater._distance_at_most(1) ~ ' or ('
                ~ 'substr({l}, 1, 4) = substr({r}, 1, 4) and substr({l}, 5, 2) = substr({r}, 7, 2)'
                ~ ' and substr({l}, 7, 2) = substr({r}, 5, 2))'],
            ['two characters', headwater._distance_at_most(2)],
            ['same year', 'substr({l}, 1, 4) = substr({r}, 1, 4)'],
            ['same decade', 'substr({l}, 1, 3) = substr({r}, 1, 3)'],
        ]},
        'number': {'prepare': headwater._prepared_number('{x}'), 'frequency': true, 'levels': [
            same,
            ['close', headwater._within_percent(1)],
            ['near', headwater._within_percent(5)],
            ['same size', headwater._within_percent(20)],
        ]},
        'place': {'prepare': headwater._prepared_place('{x}'), 'frequency': false, 'levels': [
            ['exact', headwater._metres_apart() ~ ' <= 30'],
            ['close', headwater._metres_apart() ~ ' <= 300'],
            ['near', headwater._metres_apart() ~ ' <= 3000'],
            ['same area', headwater._metres_apart() ~ ' <= 30000'],
        ]},
        'email': {'prepare': headwater._prepared_email('{x}'), 'frequency': true, 'levels': [
            same,
            ['close', headwater._ratio_at_least_with_digits(85)],
        ]},
        'phone': {'prepare': headwater._prepared_code('{x}', '[^0-9]'), 'frequency': true, 'levels': [
            same,
            ['same ending', "length({l}) > 7 and length({r}) > 7 and "
                ~ "substr({l}, length({l}) - 7) = substr({r}, length({r}) - 7)"],
            ['one digit', headwater._distance_at_most(1)],
        ]},
    }) }}
{%- endmacro %}

{#- Value: `cdp_matching: kinds`, by name: {compared_as, shared, identifies}. -#}
{% macro matching_declared_kinds() -%}
    {%- set given = var('cdp_matching', none) -%}
    {%- set given = given.get('kinds') if given is mapping else none -%}
    {%- set declared = {} -%}
    {#- The two engines of dbt read a mapping in different orders. -#}
    {%- for name in (given | list | sort if given is mapping else []) -%}
        {%- set told = given[name] if given[name] is mapping else {'compared_as': given[name]} -%}
        {%- do declared.update({name: {
            'compared_as': none if told.get('compared_as') is none else told['compared_as'] | string, 'shared': told.get('shared', false) | as_bool, 'identifies': told.get('identifies', false) | as_bool
        } }) -%}
    {%- endfor -%}
    {{ return(declared) }}
{%- endmacro %}

{#- Value: the names of `matching_likenesses`; saying them takes a thousand times as long. -#}
{% macro matching_likeness_names() -%}
    {{ return(['person_name', 'organisation', 'words', 'code', 'date', 'number', 'place', 'email', 'phone']) }}
{%- endmacro %}

{#- A number as text, the same however it is written: 12, 12.0 and 1.2e1. What is no number is null. -#}
{% macro _prepared_number(x) -%}
    {%- set text = headwater.whole_match_or_null("lower(trim(cast(" ~ x ~ " as " ~ dbt.type_string() ~ ")))", "[+-]?[0-9]{1,18}([.][0-9]*)?(e[+-]?[0-9]{1,2})?") -%}
    {{ return("cast(cast(" ~ text ~ " as " ~ headwater.type_double() ~ ") + 0 as " ~ dbt.type_string() ~ ")") }}
{%- endmacro %}

{% macro _within_percent(percent) -%}
    {%- set l, r = "cast({l} as " ~ headwater.type_double() ~ ")", "cast({r} as " ~ headwater.type_double() ~ ")" -%}
    {{ return("abs(" ~ l ~ " - " ~ r ~ ") * 100 <= greatest(abs(" ~ l ~ "), abs(" ~ r ~ ")) * " ~ percent) }}
{%- endmacro %}

{#- Latitude and longitude in degrees as one text with a comma between: 52.52,13.405. What is no such text is null. -#}
{% macro _prepared_place(x) -%}
    {%- set text = headwater.regexp_replace_all("trim(cast(" ~ x ~ " as " ~ dbt.type_string() ~ "))", "[ ,;]+", ",") -%}
    {{ return(headwater.whole_match_or_null(text, "[+-]?[0-9]{1,2}([.][0-9]+)?,[+-]?[0-9]{1,3}([.][0-9]+)?")) }}
{%- endmacro %}

{#- Expression: a coordinate of a prepared place, 1 latitude, 2 longitude. -#}
{% macro _degrees(place, part) -%}
    {{ return("cast(" ~ dbt.split_part(place, "','", part) ~ " as " ~ headwater.type_double() ~ ")") }}
{%- endmacro %}

{#- Expression: metres between two places, a degree of latitude being 111,195 of them; exact to a percent below 100 km, away from the poles. -#}
{% macro _metres_apart() -%}
    {%- set north, east = [], [] -%}
    {%- for side in ['{l}', '{r}'] -%}
        {%- do north.append(headwater._degrees(side, 1)) -%}
        {%- do east.append(headwater._degrees(side, 2)) -%}
    {%- endfor -%}
    {%- set turn = "abs(" ~ east | join(" - ") ~ ")" -%}
    {{ return("111195 * sqrt(power(" ~ north | join(" - ") ~ ", 2) + power(least(" ~ turn ~ ", 360 - " ~ turn ~ ") * cos((" ~ north | join(" + ")
        ~ ") * 0.008726646259971648), 2))") }}
{%- endmacro %}
