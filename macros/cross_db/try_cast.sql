{#- Expression: a warehouse's own cast, null where it cannot be. What it reads differs: cast_or_null says first what is read. -#}
{% macro try_cast(expression, type) -%}
    {{ return(adapter.dispatch('try_cast', 'headwater')(expression, type)) }}
{%- endmacro %}

{#- Snowflake tries only text. -#}
{% macro default__try_cast(expression, type) -%}
    try_cast(cast({{ expression }} as {{ dbt.type_string() }}) as {{ type }})
{%- endmacro %}

{% macro duckdb__try_cast(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}

{% macro bigquery__try_cast(expression, type) -%}
    safe_cast({{ expression }} as {{ modules.re.sub('[(][0-9, ]*[)]', '', type) }})
{%- endmacro %}

{#- Expression: the UTC timestamp of a text `2026-11-20 10:00:00+01:00`; null where there is no such day. -#}
{% macro utc_of_offset(text, type) -%}
    {{ return(adapter.dispatch('utc_of_offset', 'headwater')(text, type)) }}
{%- endmacro %}

{#- Of two arguments convert_timezone gives a timestamp_tz (https://docs.snowflake.com/sql-reference/functions/convert_timezone, read
    2026-11-28). -#}
{% macro default__utc_of_offset(text, type) -%}
    cast(convert_timezone('UTC', try_cast({{ text }} as timestamp_tz)) as {{ type }})
{%- endmacro %}

{#- Whatever the session's zone is. -#}
{% macro duckdb__utc_of_offset(text, type) -%}
    cast(timezone('UTC', try_cast({{ text }} as timestamptz)) as {{ type }})
{%- endmacro %}

{% macro bigquery__utc_of_offset(text, type) -%}
    safe_cast({{ text }} as {{ type }})
{%- endmacro %}

{#- Expression: the UTC timestamp of what the clock of a zone (`Europe/Berlin`) showed. -#}
{% macro utc_of_zone(timestamp, zone) -%}
    {{ return(adapter.dispatch('utc_of_zone', 'headwater')(timestamp, zone)) }}
{%- endmacro %}

{#- Three arguments: without a zone before and after (the page above). -#}
{% macro default__utc_of_zone(timestamp, zone) -%}
    convert_timezone({{ headwater.string_literal(zone) }}, 'UTC', {{ timestamp }})
{%- endmacro %}

{% macro duckdb__utc_of_zone(timestamp, zone) -%}
    timezone('UTC', timezone({{ headwater.string_literal(zone) }}, {{ timestamp }}))
{%- endmacro %}

{% macro bigquery__utc_of_zone(timestamp, zone) -%}
    timestamp(datetime({{ timestamp }}), {{ headwater.string_literal(zone) }})
{%- endmacro %}

{#- Expression: what the clock of a zone (`Europe/Berlin`) shows at a UTC timestamp, as a timestamp without zone. -#}
{% macro clock_of_utc(timestamp, zone) -%}
    {{ return(adapter.dispatch('clock_of_utc', 'headwater')(timestamp, zone)) }}
{%- endmacro %}

{% macro default__clock_of_utc(timestamp, zone) -%}
    convert_timezone('UTC', {{ headwater.string_literal(zone) }}, {{ timestamp }})
{%- endmacro %}

{% macro duckdb__clock_of_utc(timestamp, zone) -%}
    timezone({{ headwater.string_literal(zone) }}, timezone('UTC', {{ timestamp }}))
{%- endmacro %}

{% macro bigquery__clock_of_utc(timestamp, zone) -%}
    timestamp(datetime({{ timestamp }}, {{ headwater.string_literal(zone) }}))
{%- endmacro %}
