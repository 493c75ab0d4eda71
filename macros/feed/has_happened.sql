{#- Expression, boolean: an instant of `relation` is not after now. For a model that is `materialized='when_changed'`, which then needs no new making
    because time passed, but only where a row of `relation` came to pass meanwhile. `column` is SQL over the relation's columns. -#}
{% macro has_happened(column, relation) -%}
    {#- An ephemeral model cannot be asked by itself: the table is made each time. -#}
    {%- if '__dbt__cte__' in relation | string -%}
        {{ return(column ~ ' <= ' ~ headwater.cdp_now()) }}
    {%- endif -%}
    {{ return(column ~ ' <= ' ~ headwater.cdp_now() ~ ' /* has happened in ' ~ relation ~ ': ' ~ column ~ ' */') }}
{%- endmacro %}

{#- Value: {code, moments} of compiled SQL: itself without the instant of each such comparison, and {relation, column} of them. -#}
{% macro _moments_in(code) -%}
    {%- set marker = ' /* has happened in ' -%}
    {%- set moments = [] -%}
    {%- for relation, column in modules.re.findall('(?s)/[*] has happened in (.*?): (.*?) [*]/', code) -%}
        {%- do moments.append({'relation': relation, 'column': column}) -%}
    {%- endfor -%}
    {{ return({'code': code | replace(headwater.cdp_now() ~ marker, marker), 'moments': moments}) }}
{%- endmacro %}

{#- Value: whether a row of one of the relations came to pass, or to lie ahead, between two instants. -#}
{% macro _has_any_happened(moments, before, now) -%}
    {%- for moment in moments -%}
        {%- set between -%}
            ({{ moment.column }} > {{ before }} and {{ moment.column }} <= {{ now }}) or ({{ moment.column }} > {{ now }} and {{ moment.column }} <= {{ before }})
        {%- endset -%}
        {%- if headwater._counted('select 1 as one from ' ~ moment.relation ~ ' where ' ~ between) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}
