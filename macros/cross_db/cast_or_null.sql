{#- Expression: a value cast to a type, null where it cannot be: one bad row must not stop a build. Values that were there and became
    null are counted for a model that reads a source (count_unread).
    `type` is a type of the warehouse: dbt.type_timestamp(), dbt.type_int(), dbt.type_numeric(), 'date', ...
    What is read is said by a shape first, since each warehouse's own cast reads other texts (Snowflake takes 3/4/2026 for March,
    DuckDB 26-11-20 for the year 26). Times and dates: the year first, as ISO 8601 writes them, between 1800 and 9999; a time may have
    a blank before its offset, which is taken off. Numbers: a dot before decimals, commas, blanks or apostrophes between thousands. -#}
{% macro cast_or_null(expression, type) -%}
    {{ return(headwater.counted_read(expression, headwater._cast_or_null(expression, type))) }}
{%- endmacro %}

{% macro _cast_or_null(expression, type) -%}
    {%- set text = 'trim(cast(' ~ expression ~ ' as ' ~ dbt.type_string() ~ '))' -%}
    {%- set name = modules.re.sub('[(].*', '', type | lower | trim) -%}
    {%- if name in ['timestamp', modules.re.sub('[(].*', '', dbt.type_timestamp() | lower)] -%}
        {{ return(headwater._timestamp_of(text, type)) }}
    {%- elif name == 'date' -%}
        {{ return(headwater._date_of(text)) }}
    {%- elif name in ['int', 'integer', 'bigint', 'int64', 'smallint'] -%}
        {{ return(headwater._number_of(text, type, whole=true)) }}
    {%- elif name in ['numeric', 'decimal', 'number', 'bignumeric', 'float', 'float64', 'double', 'double precision', 'real'] -%}
        {{ return(headwater._number_of(text, type)) }}
    {%- elif name in ['boolean', 'bool'] -%}
        {{ return(
            'case when lower(' ~ text ~ ") in ('true', 't', 'yes', 'y', 'on', '1', '1.0') then true when lower(" ~ text
            ~ ") in ('false', 'f', 'no', 'n', 'off', '0', '0.0') then false end"
        ) }}
    {%- endif -%}
    {{ return(headwater.try_cast(expression, type)) }}
{%- endmacro %}

{#- Parts of patterns. A day that no month has (2026-02-30) is left to the cast, which all three refuse. -#}
{% macro _time_patterns() -%}
    {%- set year = '(1[89]|[2-9][0-9])[0-9]{2}' -%}
    {%- set month, day = '(0[1-9]|1[0-2])', '(0[1-9]|[12][0-9]|3[01])' -%}
    {%- set short_month, short_day = '(0?[1-9]|1[0-2])', '(0?[1-9]|[12][0-9]|3[01])' -%}
    {%- set sixty = '[0-5][0-9]' -%}
    {%- set seconds = '(:' ~ sixty ~ '([.,][0-9]{1,9})?)?' -%}
    {%- set clock -%}
        (0?[0-9]|1[0-9]|2[0-3]):{{ sixty }}{{ seconds }}|(0?[1-9]|1[0-2]):{{ sixty }}{{ seconds }} ?[AP]M|([01][0-9]|2[0-3]){{ sixty }}{{ sixty }}
    {%- endset -%}
    {{ return({
        'date': year ~ '-' ~ month ~ '-' ~ day,
        'instant': year ~ '-' ~ month ~ '-' ~ day ~ '[T ]([01][0-9]|2[0-3]):' ~ sixty ~ ':' ~ sixty ~ '([.][0-9]{1,6})?',
        'any': '(' ~ year ~ month ~ day ~ '|' ~ year ~ '-' ~ short_month ~ '-' ~ short_day ~ '|' ~ year ~ '/' ~ short_month ~ '/'
            ~ short_day ~ ')((T|,? +)(' ~ clock ~ ')( *(Z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?' ~ sixty ~ ')?))?)?',
        'with_offset': '.*[:0-9M] *(Z|UTC|GMT|[+][0-9:]+|-[0-9]{2}:?[0-9]{2})|.*(:.*|[T ][0-9]{6} *)-[0-9]{2}',
    }) }}
{%- endmacro %}

{#- Expression: the ten characters of a date, and what follows it, of a text of the pattern `any`. -#}
{% macro _date_first(text) -%}
    {%- set dashed = headwater.regexp_replace_all('upper(' ~ text ~ ')', '^([0-9]{4})[/-]?([0-9]{1,2})[/-]?([0-9]{1,2})', '\\1-\\2-\\3') -%}
    {%- set padded = headwater.regexp_replace_all(dashed, '^([0-9]{4})-([0-9])-', '\\1-0\\2-') -%}
    {{ return(headwater.regexp_replace_all(padded, '^([0-9]{4}-[0-9]{2})-([0-9])([^0-9]|$)', '\\1-0\\2\\3')) }}
{%- endmacro %}

{% macro _date_of(text) -%}
    {%- set patterns = headwater._time_patterns() -%}
    {{ return(
        'case when ' ~ headwater.regexp_matches_whole(text, patterns.date) ~ ' then ' ~ headwater.try_cast(text, 'date')
        ~ ' when ' ~ headwater.regexp_matches_whole('upper(' ~ text ~ ')', patterns.any) ~ ' then '
        ~ headwater.try_cast('substr(' ~ headwater._date_first(text) ~ ', 1, 10)', 'date') ~ ' end'
    ) }}
{%- endmacro %}

{#- `zone`: where the clock stood of a time without an offset, else UTC. -#}
{% macro _timestamp_of(text, type=none, zone=none) -%}
    {%- set type = type or dbt.type_timestamp() -%}
    {%- set patterns = headwater._time_patterns() -%}
    {%- set dated = headwater._date_first(text) -%}
    {%- set clock = namespace(sql=headwater.regexp_replace_all('substr(' ~ dated ~ ', 11)', '^(T|,)? *', '')) -%}
    {%- for pattern, replacement in [
        ('^([0-9]{2})([0-9]{2})([0-9]{2})', '\\1:\\2:\\3'),
        (' *[AP]M', ''),
        (' *(Z|UTC|GMT)$', '+00:00'),
        (' *([+-][0-9]{2}):?([0-9]{2})$', '\\1:\\2'),
        (' *([+-][0-9]{2})$', '\\1:00'),
        ('^([0-9]):', '0\\1:'),
        ('^([0-9]{2}:[0-9]{2})([^:0-9]|$)', '\\1:00\\2'),
        ('[.,]([0-9]{1,6})[0-9]*', '.\\1'),
        ('^([0-9:.]+)$', '\\1+00:00'),
    ] -%}
        {%- set clock.sql = headwater.regexp_replace_all(clock.sql, pattern, replacement) -%}
    {%- endfor -%}
    {%- set repaired = dbt.concat(['substr(' ~ dated ~ ', 1, 10)', "' '", "coalesce(nullif(" ~ clock.sql ~ ", ''), '00:00:00+00:00')"]) -%}
    {%- set hours -%}
        (case
            when {{ headwater.regexp_matches_whole('upper(' ~ text ~ ')', '.*[T ]12:[^AP]*AM.*') }} then -12
            when {{ headwater.regexp_matches_whole('upper(' ~ text ~ ')', '.*[T ]12:[^AP]*PM.*') }} then 0
            when {{ headwater.regexp_matches_whole('upper(' ~ text ~ ')', '.*PM.*') }} then 12
            else 0
        end)
    {%- endset -%}
    {%- set read -%}
        case
            when {{ headwater.regexp_matches_whole(text, patterns.instant ~ '|' ~ patterns.date) }} then {{ headwater.try_cast(text, type) }}
            when {{ headwater.regexp_matches_whole('upper(' ~ text ~ ')', patterns.any) }}
                then {{ headwater.timestamp_add(headwater.utc_of_offset(repaired, type), hours, 'hour') }}
        end
    {%- endset -%}
    {%- if zone -%}
        {%- set read -%}
            case
                when {{ headwater.regexp_matches_whole('upper(' ~ text ~ ')', patterns.with_offset) }} then {{ read }}
                else {{ headwater.utc_of_zone(read, zone) }}
            end
        {%- endset -%}
    {%- endif -%}
    {{ return(read) }}
{%- endmacro %}

{% macro _number_of(text, type, whole=false, decimal_mark='.') -%}
    {%- set between = "[ '\u2019\u00a0\u2009\u202f" ~ (',' if decimal_mark == '.' else '.') ~ ']' -%}
    {%- set mark = '[' ~ decimal_mark ~ ']' -%}
    {%- set decimals = mark ~ '0+' if whole else mark ~ '[0-9]+' -%}
    {%- set plain = headwater.regexp_replace_all(text, '^[+]|' ~ mark ~ '0+$', '') if whole else headwater.regexp_replace_all(text, mark, '.') -%}
    {%- set grouped = headwater.regexp_replace_all(headwater.regexp_replace_all(text, between ~ ('|' ~ mark ~ '0+$' if whole else ''), ''), mark, '.') -%}
    {%- set exponent = '' if whole else '([eE][+-]?[0-9]{1,2})?' -%}
    {{ return(
        'case when ' ~ headwater.regexp_matches_whole(text, '[+-]?([0-9]+(' ~ decimals ~ ')?' ~ ('' if whole else '|' ~ decimals) ~ ')' ~ exponent)
        ~ ' then ' ~ headwater.try_cast(plain, type)
        ~ ' when ' ~ headwater.regexp_matches_whole(text, '[+-]?[1-9][0-9]{0,2}(' ~ between ~ '[0-9]{3})+(' ~ decimals ~ ')?')
        ~ ' then ' ~ headwater.try_cast(grouped, type) ~ ' end'
    ) }}
{%- endmacro %}
