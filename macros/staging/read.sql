{#- Expression: a raw value as what it is declared to be, null where it cannot be read; what was there and became null is counted.
    what: timestamp, date, integer, number, boolean, text, email, phone, name, company_name, country, domain.
    format, of a timestamp or date: the order of its date where the year is not first (MM/DD/YYYY, DD.MM.YYYY, DD/MM/YYYY, ... with / . or -),
    epoch_seconds or epoch_milliseconds; a list where a column has several. The time after a date is read alike in all.
    time_zone, of a timestamp: where the clock stood, for times without an offset; UTC unless told.
    decimal_mark, of a number: `,` where the source writes 1.234,56. country: as for normalise_phone. -#}
{% macro read(expression, what, format=none, time_zone=none, decimal_mark='.', country='null') -%}
    {%- set kinds = [
        'timestamp', 'date', 'integer', 'number', 'boolean', 'text', 'email', 'phone', 'name', 'company_name', 'country', 'domain',
    ] -%}
    {%- do headwater.check_arguments('read', kwargs, ['expression', 'what', 'format', 'time_zone', 'decimal_mark', 'country'], {'what': what}) -%}
    {%- if what not in kinds -%}
        {%- do headwater._read_error(expression, "what is '" ~ what ~ "'", 'one of ' ~ kinds | join(', ')) -%}
    {%- elif format and what not in ['timestamp', 'date'] -%}
        {%- do headwater._read_error(expression, 'a ' ~ what ~ ' has a format', 'only timestamp and date have one') -%}
    {%- elif time_zone and what != 'timestamp' -%}
        {%- do headwater._read_error(expression, 'a ' ~ what ~ ' has a time_zone', 'only a timestamp has one') -%}
    {%- elif decimal_mark not in ['.', ','] -%}
        {%- do headwater._read_error(expression, "decimal_mark is '" ~ decimal_mark ~ "'", "'.' or ','") -%}
    {%- endif -%}
    {%- if what in ['timestamp', 'date'] -%}
        {{ return(headwater.counted_read(expression, headwater._read_time(expression, what, format, time_zone))) }}
    {%- elif what in ['integer', 'number'] -%}
        {%- set text = 'trim(cast(' ~ expression ~ ' as ' ~ dbt.type_string() ~ '))' -%}
        {{ return(headwater.counted_read(expression, headwater._number_of(
            text, dbt.type_bigint() if what == 'integer' else dbt.type_numeric(), what == 'integer', decimal_mark
        ))) }}
    {%- elif what == 'boolean' -%}
        {{ return(headwater.cast_or_null(expression, dbt.type_boolean())) }}
    {%- elif what == 'phone' -%}
        {{ return(headwater.normalise_phone(expression, country)) }}
    {%- endif -%}
    {{ return({
        'text': headwater.normalise_text, 'email': headwater.normalise_email, 'name': headwater.normalise_name,
        'company_name': headwater.normalise_company_name, 'country': headwater.normalise_country, 'domain': headwater.normalise_domain,
    }[what](expression)) }}
{%- endmacro %}

{% macro _read_error(expression, found, allowed) -%}
    {{ exceptions.raise_compiler_error(model.name ~ ": read('" ~ expression ~ "'): " ~ found ~ '; allowed: ' ~ allowed ~ '.') }}
{%- endmacro %}

{% macro _read_time(expression, what, format, time_zone) -%}
    {%- set text = 'trim(cast(' ~ expression ~ ' as ' ~ dbt.type_string() ~ '))' -%}
    {%- set formats = [format or 'YYYY-MM-DD'] if format is none or format is string else format -%}
    {%- set read = [] -%}
    {%- for one in formats if one[:3] == 'DD' ~ one[2] and 'MM' ~ one[2] ~ 'DD' ~ one[5:] in formats -%}
        {%- do headwater._read_error(
            expression, 'format has ' ~ 'MM' ~ one[2] ~ 'DD' ~ one[5:] ~ ' and ' ~ one ~ ', which read 3' ~ one[2] ~ '4' ~ one[2]
            ~ '2026 as two days', 'one order; where rows say which is theirs, a column for each'
        ) -%}
    {%- endfor -%}
    {%- for one in formats -%}
        {%- if one in ['epoch_seconds', 'epoch_milliseconds'] -%}
            {%- set instant = headwater._instant_of_epoch(text, one) -%}
            {%- do read.append('cast(' ~ instant ~ ' as date)' if what == 'date' else instant) -%}
        {%- else -%}
            {%- set ordered = headwater._year_first(expression, text, one) -%}
            {%- do read.append(headwater._date_of(ordered) if what == 'date' else headwater._timestamp_of(ordered, zone=time_zone)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(read[0] if read | length == 1 else 'coalesce(' ~ read | join(', ') ~ ')') }}
{%- endmacro %}

{#- Expression: the text with its date turned to the year first, null where it has not the declared order. -#}
{% macro _year_first(expression, text, format) -%}
    {%- if format in ['YYYY-MM-DD', 'YYYY/MM/DD', 'YYYYMMDD'] -%}
        {{ return(text) }}
    {%- endif -%}
    {%- set parts = modules.re.fullmatch('(MM|DD)([/.-])(MM|DD)([/.-])YYYY', format) -%}
    {%- if not parts or parts[1] == parts[3] or parts[2] != parts[4] -%}
        {%- do headwater._read_error(
            expression, "format is '" ~ format ~ "'",
            'YYYY-MM-DD, MM/DD/YYYY, DD/MM/YYYY, DD.MM.YYYY, DD-MM-YYYY, MM-DD-YYYY, epoch_seconds, epoch_milliseconds; the time after a'
            ~ ' date is read without a word, and a year has four digits'
        ) -%}
    {%- endif -%}
    {%- set shape = '([0-9]{1,2})[' ~ parts[2] ~ ']([0-9]{1,2})[' ~ parts[2] ~ ']([0-9]{4})' -%}
    {%- set turned = '\\3-\\1-\\2' if parts[1] == 'MM' else '\\3-\\2-\\1' -%}
    {{ return(
        'case when ' ~ headwater.regexp_matches_whole(text, shape ~ '([^0-9].*)?') ~ ' then '
        ~ headwater.regexp_replace_all(text, '^' ~ shape, turned) ~ ' end'
    ) }}
{%- endmacro %}

{% macro _instant_of_epoch(text, format) -%}
    {%- set in_seconds = format == 'epoch_seconds' -%}
    {%- set shape = '([0-9]{1,10}|-[1-4]?[0-9]{1,9})' if in_seconds else '([0-9]{1,13}|-[1-4]?[0-9]{1,12})' -%}
    {%- set whole = headwater.regexp_replace_all(text, '[.][0-9]+$', '') -%}
    {{ return(
        'case when ' ~ headwater.regexp_matches_whole(text, shape ~ '([.][0-9]+)?') ~ ' then '
        ~ headwater.timestamp_add(
            headwater.timestamp_literal('1970-01-01 00:00:00'), headwater.try_cast(whole, dbt.type_bigint()),
            'second' if in_seconds else 'millisecond'
        ) ~ ' end'
    ) }}
{%- endmacro %}
