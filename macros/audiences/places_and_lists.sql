{#- Expression: a value is in a column of a seed or model: `in_list: {model: vip_cards, column: card_number}`. The value is the trait of that name,
    `trait: another`, or for `identifier: card_number` any that the person or company is known by. -#}
{% macro in_list_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['in_list'], path) -%}
    {%- set wanted = condition['in_list'] -%}
    {%- if wanted is mapping -%}
        {%- do headwater.note_unknown_keys(context, wanted, headwater.definition_keys('in_list_what'), path) -%}
    {%- endif -%}
    {%- for key in ['model', 'column'] if wanted is not mapping or wanted.get(key) is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', wanted[key]) -%}
        {%- do headwater.note_problem(context, path, "wants {model: a seed or model, column: its column}, and trait: or identifier: where the column has another name") -%}
        {{ return('false') }}
    {%- endfor -%}
    {%- if headwater.is_absent(context, wanted['model'], path ~ '.model') -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater._column_type(context, wanted['model'], wanted['column'], path ~ '.column') -%}
    {%- set where = (' where ' ~ headwater.where_clause(context, 'listed', wanted['model'], wanted['where'], path ~ '.where')) if 'where' in wanted else '' -%}
    {%- set listed = headwater.model_ref(wanted['model'], context) ~ ' as listed' -%}
    {%- set text = dbt.type_string() -%}
    {%- if 'identifier' in wanted -%}
        {%- set holders = {'account': 'account_identifiers'}.get(context.entity, 'profile_identifiers') -%}
        {%- set kinds = headwater.identifier_types(context.entity) -%}
        {%- if wanted['identifier'] not in kinds -%}
            {%- do headwater.note_problem(context, path ~ '.identifier', "'" ~ wanted['identifier'] ~ "' is not one of " ~ kinds | join(', ') ~ headwater.nearest(wanted['identifier'], kinds)) -%}
        {%- endif -%}
        {{ return(headwater.in_keys(
            context.candidate_key, 'known.' ~ context.key,
            listed ~ ' inner join ' ~ headwater.model_ref(holders, context) ~ ' as known on known.identifier_type = ' ~ headwater.string_literal(wanted['identifier'])
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
    {%- do headwater.note_unknown_keys(context, given, headwater.definition_keys('near_what'), path) -%}
    {%- if 'model' in given -%}
        {{ return(headwater._near_any(context, given, path)) }}
    {%- endif -%}
    {%- for key, most in [('lat', 90), ('lon', 180), ('km', 20038)] if given.get(key) is boolean or given.get(key) is not number or given[key] > most or given[key] < (0 if key == 'km' else -most) or (key == 'km' and given[key] == 0) -%}
        {%- do headwater.note_problem(context, path, "wants {lat: -90 to 90, lon: -180 to 180, km: a distance over 0}, in plain digits") -%}
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
    {{ return('coalesce(' ~ headwater._kilometres(lat, lon, here_lat, here_lon) ~ ' <= ' ~ given['km'] ~ ', false)') }}
{%- endmacro %}

{#- Expression: kilometres between two points in radians. Haversine; rounding must not take the root over 1. -#}
{% macro _kilometres(lat, lon, here_lat, here_lon) -%}
    {{ return('12742.0176 * asin(least(1.0, sqrt(power(sin((' ~ lat ~ ' - ' ~ here_lat ~ ') / 2), 2) + cos(' ~ lat ~ ') * cos(' ~ here_lat
        ~ ') * power(sin((' ~ lon ~ ' - ' ~ here_lon ~ ') / 2), 2))))') }}
{%- endmacro %}

{#- Expression: near any of the rows of a model that has latitude and longitude: `near: {model: shops, km: 10, where: {is_open: true}}`. -#}
{% macro _near_any(context, given, path) -%}
    {%- set columns = given.get('columns', ['latitude', 'longitude']) -%}
    {%- if given['model'] is not string or given.get('km') is boolean or given.get('km') is not number or given['km'] <= 0
        or columns is string or columns is mapping or columns is not iterable or columns | length != 2 or 'lat' in given or 'lon' in given -%}
        {%- do headwater.note_problem(context, path, "wants {model: a model with latitude and longitude, km: a distance over 0}, and where: or columns: [latitude, longitude] if need be") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- for column in columns -%}
        {%- do headwater.use_trait(context, column, path) -%}
    {%- endfor -%}
    {%- if headwater.is_absent(context, given['model'], path ~ '.model') -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater._column_type(context, given['model'], 'latitude', path) -%}
    {%- do headwater._column_type(context, given['model'], 'longitude', path) -%}
    {%- set distance = headwater._kilometres(
        headwater._radians('own_rows.' ~ columns[0]), headwater._radians('own_rows.' ~ columns[1]), headwater._radians('places.latitude'), headwater._radians('places.longitude')
    ) -%}
    {%- set where = (' and ' ~ headwater.where_clause(context, 'places', given['model'], given['where'], path ~ '.where')) if 'where' in given else '' -%}
    {{ return(headwater.in_keys(
        context.candidate_key, 'own_rows.' ~ context.key,
        headwater.model_ref(context.model, context) ~ ' as own_rows cross join ' ~ headwater.model_ref(given['model'], context) ~ ' as places where ' ~ distance ~ ' <= ' ~ given['km'] ~ where
    )) }}
{%- endmacro %}

{% macro _radians(degrees) -%}
    {{ return('(cast(' ~ degrees ~ ' as ' ~ dbt.type_float() ~ ') * 0.017453292519943295)') }}
{%- endmacro %}

{#- Expression: a value is in a column of a seed or model: `where: {product_id: {in_list: {model: clearance, column: product_id, where: {season: winter}}}}`. -#}
{% macro listed_value(context, column, wanted, path) -%}
    {%- for key in ['model', 'column'] if wanted is not mapping or wanted.get(key) is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', wanted[key]) -%}
        {%- do headwater.note_problem(context, path, "wants {model: a seed or model, column: its column}, and where:") -%}
        {{ return('false') }}
    {%- endfor -%}
    {%- do headwater.note_unknown_keys(context, wanted, headwater.definition_keys('listed_what'), path) -%}
    {%- if headwater.is_absent(context, wanted['model'], path ~ '.model') -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater._column_type(context, wanted['model'], wanted['column'], path ~ '.column') -%}
    {%- set where = (' where ' ~ headwater.where_clause(context, 'listed', wanted['model'], wanted['where'], path ~ '.where')) if 'where' in wanted else '' -%}
    {%- set text = dbt.type_string() -%}
    {{ return('(' ~ column ~ ' is not null and ' ~ headwater.in_keys(
        'cast(' ~ column ~ ' as ' ~ text ~ ')', 'cast(listed.' ~ wanted['column'] ~ ' as ' ~ text ~ ')', headwater.model_ref(wanted['model'], context) ~ ' as listed' ~ where
    ) ~ ')') }}
{%- endmacro %}

{#- Expression: who has a value of an identifier: `known_by: push_token`, whatever it is. -#}
{% macro known_by_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['known_by'], path) -%}
    {%- set kinds = headwater.identifier_types(context.entity) -%}
    {%- set kind = condition['known_by'] -%}
    {%- if kind not in kinds -%}
        {%- do headwater.note_problem(context, path, "'" ~ kind ~ "' is not one of " ~ kinds | join(', ') ~ headwater.nearest(kind, kinds)) -%}
        {{ return('false') }}
    {%- endif -%}
    {{ return(headwater.in_keys(
        context.candidate_key, 'known.' ~ context.key,
        headwater.model_ref({'account': 'account_identifiers'}.get(context.entity, 'profile_identifiers'), context) ~ ' as known where known.identifier_type = ' ~ headwater.string_literal(kind)
    )) }}
{%- endmacro %}
