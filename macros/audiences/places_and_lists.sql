{#- Expression: a value is in a column of a seed or model: `in_list: {model: vip_cards, column: card_number}`. The value is the trait of that name,
    `trait: another`, or for `identifier: card_number` any that the person or company is known by. -#}
{% macro in_list_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['in_list'], path) -%}
    {%- set wanted = condition['in_list'] -%}
    {%- if wanted is mapping -%}
        {%- do headwater.note_unknown_keys(context, wanted, ['model', 'column', 'trait', 'identifier', 'where'], path) -%}
    {%- endif -%}
    {%- for key in ['model', 'column'] if wanted is not mapping or wanted.get(key) is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', wanted[key]) -%}
        {%- do headwater.note_problem(context, path, "wants {model: a seed or model, column: its column}, and trait: or identifier: where the column has another name") -%}
        {{ return('false') }}
    {%- endfor -%}
    {%- do headwater._column_type(context, wanted['model'], wanted['column'], path ~ '.column') -%}
    {%- set where = (' where ' ~ headwater.where_clause(context, 'listed', wanted['model'], wanted['where'], path ~ '.where')) if 'where' in wanted else '' -%}
    {%- set listed = ref(wanted['model']) ~ ' as listed' -%}
    {%- set text = dbt.type_string() -%}
    {%- if 'identifier' in wanted -%}
        {%- set holders = {'account': 'account_identifiers'}.get(context.entity, 'profile_identifiers') -%}
        {%- set kinds = headwater.identifier_types(context.entity) -%}
        {%- if wanted['identifier'] not in kinds -%}
            {%- do headwater.note_problem(context, path ~ '.identifier', "'" ~ wanted['identifier'] ~ "' is not one of " ~ kinds | join(', ') ~ headwater.nearest(wanted['identifier'], kinds)) -%}
        {%- endif -%}
        {{ return(headwater.in_keys(
            context.candidate_key, 'known.' ~ context.key,
            listed ~ ' inner join ' ~ ref(holders) ~ ' as known on known.identifier_type = ' ~ headwater.string_literal(wanted['identifier'])
            ~ ' and known.identifier_value = cast(listed.' ~ wanted['column'] ~ ' as ' ~ text ~ ')' ~ where
        )) }}
    {%- endif -%}
    {%- set trait = wanted.get('trait', wanted['column']) -%}
    {%- do headwater.use_trait(context, trait, path) -%}
    {#- A subquery in a function such as coalesce() is not for every warehouse. -#}
    {{ return('(candidates.' ~ trait ~ ' is not null and ' ~ headwater.in_keys(
        'cast(candidates.' ~ trait ~ ' as ' ~ text ~ ')', 'cast(listed.' ~ wanted['column'] ~ ' as ' ~ text ~ ')', listed ~ where
    ) ~ ')') }}
{%- endmacro %}

{#- Value: the identifiers that `vars: cdp_identity` has for an entity. -#}
{% macro identifier_types(entity) -%}
    {{ return(((headwater.setting('cdp_identity').get(entity) or {}).get('identifiers') or {}) | list) }}
{%- endmacro %}

{#- Expression: at most so many kilometres from a point, along the surface: `near: {lat: 52.52, lon: 13.40, km: 20}`, by the columns latitude and
    longitude, or others that `columns: [lat, lon]` names. -#}
{% macro near_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['near'], path) -%}
    {%- set wanted = condition['near'] -%}
    {%- set given = wanted if wanted is mapping else {} -%}
    {%- do headwater.note_unknown_keys(context, given, ['lat', 'lon', 'km', 'columns'], path) -%}
    {%- for key, most in [('lat', 90), ('lon', 180), ('km', 20038)] if given.get(key) is boolean or given.get(key) is not number or given[key] > most or given[key] < (0 if key == 'km' else -most) -%}
        {%- do headwater.note_problem(context, path, "wants {lat: -90 to 90, lon: -180 to 180, km: a distance}, in plain digits") -%}
        {{ return('false') }}
    {%- endfor -%}
    {%- set columns = given.get('columns', ['latitude', 'longitude']) -%}
    {%- if columns is string or columns is mapping or columns is not iterable or columns | length != 2 -%}
        {%- do headwater.note_problem(context, path ~ '.columns', "wants two traits, [latitude, longitude]") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- for column in columns -%}
        {%- if (headwater.use_trait(context, column, path) or 'number') != 'number' -%}
            {%- do headwater.note_problem(context, path, "'" ~ column ~ "' is no number") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set lat, lon = headwater._radians('candidates.' ~ columns[0]), headwater._radians('candidates.' ~ columns[1]) -%}
    {%- set here_lat, here_lon = headwater._radians(given['lat']), headwater._radians(given['lon']) -%}
    {#- Haversine; rounding must not take the root over 1. -#}
    {{ return('coalesce(12742.0176 * asin(least(1.0, sqrt(power(sin((' ~ lat ~ ' - ' ~ here_lat ~ ') / 2), 2) + cos(' ~ lat ~ ') * cos(' ~ here_lat
        ~ ') * power(sin((' ~ lon ~ ' - ' ~ here_lon ~ ') / 2), 2)))) <= ' ~ given['km'] ~ ', false)') }}
{%- endmacro %}

{% macro _radians(degrees) -%}
    {{ return('(cast(' ~ degrees ~ ' as ' ~ dbt.type_float() ~ ') * 0.017453292519943295)') }}
{%- endmacro %}
