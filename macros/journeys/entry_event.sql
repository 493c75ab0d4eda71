{#- In a journey that an event lets in, conditions may ask for that very event: `entry: {value_eur: {">=": 100}}`, and beside it
    `where: {product_id: {entry: product_id}}`, an event of the same product. -#}

{#- Value: the type of a property of the event that let in, which is noted as used; a wrong name is a mistake. -#}
{% macro use_entry(context, name, path) -%}
    {%- set event = context.entry_event -%}
    {%- if name is not string or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', name) or (event.properties is not none and name not in event.properties) -%}
        {%- do headwater.note_problem(context, path, "'" ~ name ~ "' is no property of " ~ event.name ~ ", which lets in" ~ headwater.nearest(name, event.properties or [])) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if name not in context.entry_columns -%}
        {%- do context.entry_columns.append(name) -%}
    {%- endif -%}
    {{ return(headwater._column_type(context, event.model, name, path)) }}
{%- endmacro %}

{#- Value: whether a condition compares with the event that let in. -#}
{% macro asks_entry(context, condition) -%}
    {{ return(context.get('entry_event') is not none and context.get('entry_event') is defined and ("'entry':" in condition | string or '"entry":' in condition | string)) }}
{%- endmacro %}

{#- Expression: the event that let in has these properties. -#}
{% macro entry_predicate(context, condition, path) -%}
    {%- do headwater.note_unknown_keys(context, condition, ['entry'], path) -%}
    {%- set wanted = condition['entry'] -%}
    {%- if wanted is not mapping or not wanted -%}
        {%- do headwater.note_problem(context, path, "wants {property: value} of the event that lets in") -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for name, value in wanted.items() -%}
        {%- set operators = value if value is mapping else {'in': value} if value is iterable and value is not string else {'equals': value} -%}
        {%- set type = headwater.use_entry(context, name, path) -%}
        {%- do parts.append(headwater.comparison(context, 'candidates.entry_' ~ name, type, operators, path ~ '.' ~ name)) -%}
    {%- endfor -%}
    {{ return('(' ~ parts | join(' and ') ~ ')') }}
{%- endmacro %}

{#- CTE: what conditions ask of the event that let each of those inside in: traveller_id and entry_<property>. -#}
{% macro _journey_own_events(context) -%}
{%- set event = context.entry_event -%}
own_events as (

    select
        {{ headwater._traveller_id('travellers', context.key) }} as traveller_id
        {%- for name in context.entry_columns %},
        events.{{ name }} as entry_{{ name }}
        {%- endfor %}

    from travellers

    inner join {{ headwater.model_ref(event.model, context) }} as events
        on travellers.entry_number = {{ headwater.node_key('cast(events.' ~ event.key ~ ' as ' ~ dbt.type_string() ~ ')') }}

),
{%- endmacro %}
