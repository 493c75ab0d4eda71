{#- Expression, boolean and never null: a column compared as a mapping of operators says, all of them at once.
    `column` is an SQL expression; `operators` is {equals, not_equals, in, not_in, contains, starts_with, between, is_null, ">",
    ">=", "<", "<=", within, older_than, before, on_or_after: value}; `path` is where it stands, for messages. -#}
{% macro comparison(column, operators, path) -%}
    {%- set allowed = [
        'equals', 'not_equals', 'in', 'not_in', 'contains', 'starts_with', 'between', 'is_null', '>', '>=', '<', '<=',
        'within', 'older_than', 'before', 'on_or_after',
    ] -%}
    {%- if not operators -%}
        {{ headwater.audience_error(path, "wants a comparison, one of " ~ allowed | join(', ')) }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for operator, value in operators.items() -%}
        {%- if operator not in allowed -%}
            {{ headwater.audience_error(path, "'" ~ operator ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(operator, allowed)) }}
        {%- endif -%}
        {%- do parts.append(headwater._compared(column, operator, value, path ~ '.' ~ operator)) -%}
    {%- endfor -%}
    {{ return('coalesce(' ~ parts | join(' and ') ~ ', false)') }}
{%- endmacro %}

{% macro _compared(column, operator, value, path) -%}
    {%- if operator in ['equals', 'not_equals', '>', '>=', '<', '<='] -%}
        {%- set sign = {'equals': '=', 'not_equals': '<>'}.get(operator, operator) -%}
        {{ return(column ~ ' ' ~ sign ~ ' ' ~ headwater.audience_literal(value, path)) }}
    {%- elif operator in ['in', 'not_in'] -%}
        {%- if value is string or value is mapping or value is not iterable or not value -%}
            {{ headwater.audience_error(path, "wants a list such as [DE, FR]") }}
        {%- endif -%}
        {%- set listed = [] -%}
        {%- for one in value -%}
            {%- do listed.append(headwater.audience_literal(one, path)) -%}
        {%- endfor -%}
        {{ return(column ~ (' not in (' if operator == 'not_in' else ' in (') ~ listed | join(', ') ~ ')') }}
    {%- elif operator == 'contains' -%}
        {#- Position, not LIKE: a percent sign in the text is a percent sign. -#}
        {{ return(dbt.position(headwater.audience_literal(value | string, path), column) ~ ' > 0') }}
    {%- elif operator == 'starts_with' -%}
        {{ return('substr(' ~ column ~ ', 1, ' ~ value | string | length ~ ') = ' ~ headwater.audience_literal(value | string, path)) }}
    {%- elif operator == 'between' -%}
        {%- if value is string or value is mapping or value is not iterable or value | length != 2 -%}
            {{ headwater.audience_error(path, "wants [lowest, highest]") }}
        {%- endif -%}
        {{ return(column ~ ' between ' ~ headwater.audience_literal(value[0], path) ~ ' and ' ~ headwater.audience_literal(value[1], path)) }}
    {%- elif operator == 'is_null' -%}
        {{ return(column ~ (' is null' if value else ' is not null')) }}
    {%- elif operator == 'within' -%}
        {%- set start = headwater.audience_ago(value, path) -%}
        {{ return(headwater._instant(column) ~ ' >= ' ~ start ~ ' and ' ~ headwater._instant(column) ~ ' <= ' ~ headwater.cdp_now()) }}
    {%- elif operator == 'older_than' -%}
        {{ return(headwater._instant(column) ~ ' < ' ~ headwater.audience_ago(value, path)) }}
    {%- elif operator == 'before' -%}
        {{ return(headwater._instant(column) ~ ' < ' ~ headwater.timestamp_literal(value)) }}
    {%- else -%}
        {{ return(headwater._instant(column) ~ ' >= ' ~ headwater.timestamp_literal(value)) }}
    {%- endif -%}
{%- endmacro %}

{% macro _instant(column) -%}
    {{ return('cast(' ~ column ~ ' as ' ~ dbt.type_timestamp() ~ ')') }}
{%- endmacro %}

{#- Expression: a constant of a definition; text is escaped for the warehouse. -#}
{% macro audience_literal(value, path) -%}
    {%- if value is none or value is mapping or (value is iterable and value is not string) -%}
        {{ headwater.audience_error(path, "wants one value; for an absent one say is_null: true") }}
    {%- elif value is boolean -%}
        {{ return('true' if value else 'false') }}
    {%- elif value is number -%}
        {{ return(value | string) }}
    {%- endif -%}
    {{ return(headwater.string_literal(value)) }}
{%- endmacro %}

{#- Expression: the instant a duration such as "90 days" before now. -#}
{% macro audience_ago(text, path) -%}
    {%- set duration = headwater.audience_duration(text, path) -%}
    {{ return(headwater.timestamp_add(headwater.cdp_now(), '-' ~ duration.amount, duration.unit)) }}
{%- endmacro %}

{#- Value: {amount, unit} of a duration such as "90 days"; units are minutes, hours, days and weeks. -#}
{% macro audience_duration(text, path) -%}
    {%- set words = (text | string).split() -%}
    {%- set unit = (words[1] | default('')).rstrip('s') -%}
    {%- if words | length != 2 or not words[0].isdigit() or unit not in ['minute', 'hour', 'day', 'week'] -%}
        {{ headwater.audience_error(path, "'" ~ text ~ "' is no duration; write 90 days, 12 hours, 30 minutes or 2 weeks") }}
    {%- endif -%}
    {%- set amount = words[0] | int -%}
    {{ return({'amount': amount * 7, 'unit': 'day'} if unit == 'week' else {'amount': amount, 'unit': unit}) }}
{%- endmacro %}
