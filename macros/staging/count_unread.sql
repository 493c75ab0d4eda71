{#- Expression: `read`, between two comments by which count_unread finds it again in the compiled SQL of a model of a team's, or of one of the
    engine's that reads a source; anywhere else `read` as it is. While dbt parses it gives the model the hooks that count, so that no model has
    to ask for them. -#}
{% macro counted_read(expression, read) -%}
    {#- dbt's v2 calls a data test a model while it parses. -#}
    {%- if model is not defined or model.resource_type != 'model' or model.config.get('materialized') == 'test' -%}
        {{ return(read) }}
    {%- elif not execute -%}
        {#- Once: each call of config() would add another. A result that is stored is the one note of a model's own that dbt keeps meanwhile. -#}
        {%- set noted = load_result('counts_unread') -%}
        {%- do store_raw_result('counts_unread', message='', code='') -%}
        {%- if noted is none -%}
            {%- do config(
                pre_hook=[headwater.hook_outside('{{ headwater.count_unread(before=true) }}')],
                post_hook=[headwater.hook_outside('{{ headwater.count_unread() }}')],
            ) -%}
        {%- endif -%}
        {{ return(read) }}
    {%- elif not headwater._reads_raw_values() -%}
        {{ return(read) }}
    {%- elif model.config.materialized == 'ephemeral' -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ': an ephemeral model reads raw values (' ~ headwater._column_of(expression | string) ~ '), and what cannot be read would be'
            ~ " counted by nobody, since dbt makes no table of it. Give it materialized='view' in " ~ model.original_file_path
            ~ ' or where its folder says ephemeral in dbt_project.yml.'
        ) }}
    {%- endif -%}
    {%- set plain = modules.re.sub('(?s)/[*] read( end|: .*?) [*]/', '', expression | string) | trim -%}
    {{ return('/* read: ' ~ plain ~ ' */ ' ~ read ~ ' /* read end */') }}
{%- endmacro %}

{#- Value: whether the model reads raw values: any of a team's that calls a reader, however many models lie between it and the source; of the
    engine's those on a source or seed, and those that read what staging need not have typed. -#}
{% macro _reads_raw_values() -%}
    {%- if model.package_name != 'headwater' or headwater._reads_as_declared() -%}
        {{ return(true) }}
    {%- endif -%}
    {%- for id in model.depends_on.nodes -%}
        {%- set kind = id.split('.')[0] -%}
        {%- if kind in ['source', 'snapshot'] or (kind == 'seed' and graph.nodes.get(id, {}).get('package_name') != 'headwater') -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{% macro _reads_as_declared() -%}
    {{ return(model.package_name == 'headwater' and model.name in headwater.models_that_read_records()) }}
{%- endmacro %}

{#- Value: the engine's models that read what staging may leave as it came: golden attributes by their type, identifiers by their normaliser. Which
    columns these are stands in the records' own meta, so that they are no reads yet while dbt parses. -#}
{% macro models_that_read_records() -%}
    {{ return(['identity_records', 'int_profiles__attribute_values', 'int_profiles__account_attribute_values']) }}
{%- endmacro %}

{#- Statements, the post-hook of a model that reads raw values: how many were there and could not be read, per column, into
    `unread_values`; a warning, or an error where there are more than var `cdp_unread` allows (docs/add-a-source.md). Values never leave the
    warehouse: a sample is a shape, digits as 9 and letters as a. A by_key model counts by itself, what it kept; an incremental one `before` it
    is built, since after it the rows are no longer new. -#}
{% macro count_unread(before=false) -%}
    {%- set kind = config.get('materialized') -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'retry'] and kind != 'by_key' and before == (kind == 'incremental') -%}
        {%- set placeholders = headwater.unread_settings().placeholders -%}
        {%- set found = [] -%}
        {%- for select in headwater._selects_that_read(model.compiled_code or sql) -%}
            {%- do found.extend(headwater._count_unread_of(select, '(' ~ headwater._reads_of(select, placeholders) ~ ')')) -%}
        {%- endfor -%}
        {%- do headwater._keep_and_judge_unread(found, on_top=before and is_incremental()) -%}
    {%- endif -%}
{%- endmacro %}

{#- `on_top`: of rows that came on top of those counted before, by the same columns. -#}
{% macro _keep_and_judge_unread(found, on_top=false) -%}
    {%- if found -%}
        {%- do headwater._judge_unread(found, headwater.unread_settings()) -%}
        {%- do headwater._keep_unread(headwater._with_counted_before(found) if on_top else found) -%}
        {%- do headwater._tell_unread(found) -%}
    {%- endif -%}
{%- endmacro %}

{#- Value: var `cdp_unread` over its defaults. -#}
{% macro unread_settings() -%}
    {%- set settings = headwater.settings('cdp_unread', {
        'warn_percent': 0, 'stop_percent': 10, 'columns': {},
        'placeholders': ['-', '--', '.', '?', 'n/a', 'na', 'nan', 'nil', 'none', 'null', '(null)', 'unknown', 'undefined', '\\n',
            '0000-00-00', '0000-00-00 00:00:00', '0001-01-01', '0001-01-01 00:00:00', '0001-01-01t00:00:00', '0001-01-01t00:00:00z'],
    }) -%}
    {%- for column, own in settings['columns'].items() -%}
        {%- for name in own if name not in ['warn_percent', 'stop_percent', 'reason'] -%}
            {{ headwater.stop_setting(
                'vars: cdp_unread: columns: ' ~ column ~ ": '" ~ name ~ "' is not one of warn_percent, stop_percent, reason."
            ) }}
        {%- endfor -%}
        {%- if not own.get('reason') -%}
            {{ headwater.stop_setting('vars: cdp_unread: columns: ' ~ column ~ ': wants a reason: why it may be unread there.') }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(settings) }}
{%- endmacro %}

{#- Query: per row of a select what it reads: there_1, unread_1 (the shape, where it could not be read), there_2, ...; behind `key`, if told. -#}
{% macro _reads_of(select, placeholders, key=none) -%}
    {%- set columns = [key ~ ' as row_key'] if key else [] -%}
    {%- set words = [] -%}
    {%- for word in [''] + placeholders -%}{%- do words.append(headwater.string_literal(word | lower)) -%}{%- endfor -%}
    {%- set names = ['row_key'] if key else [] -%}
    {%- for read in select.reads -%}
        {%- set text = 'trim(cast(' ~ read.raw ~ ' as ' ~ dbt.type_string() ~ '))' -%}
        {%- set there = text ~ ' is not null and lower(' ~ text ~ ') not in (' ~ words | join(', ') ~ ')' -%}
        {%- do columns.append('case when ' ~ there ~ ' then 1 end as there_' ~ loop.index) -%}
        {%- do columns.append(
            'case when ' ~ there ~ ' and (' ~ read.sql ~ ') is null then ' ~ headwater._shape_of(text) ~ ' end as unread_' ~ loop.index
        ) -%}
        {%- do names.extend(['there_' ~ loop.index, 'unread_' ~ loop.index]) -%}
    {%- endfor -%}
    {{ return(
        select.ctes ~ ' select ' ~ names | join(', ') ~ ' from (' ~ select.start ~ ' ' ~ columns | join(', ') ~ select.rest ~ '\n) as read_rows'
    ) }}
{%- endmacro %}

{#- Value: what one select reads: {column, there, unread, shapes} each. `reads` is its _reads_of; one scan counts all of them. -#}
{% macro _count_unread_of(select, reads) -%}
    {%- set found, counts = [], [] -%}
    {%- for read in select.reads -%}
        {%- set n = loop.index -%}
        {%- do counts.append(
            'count(there_' ~ n ~ ') as there_' ~ n ~ ', count(unread_' ~ n ~ ') as unread_' ~ n ~ ', min(unread_' ~ n ~ ') as first_' ~ n
            ~ ', max(unread_' ~ n ~ ') as last_' ~ n
        ) -%}
    {%- endfor -%}
    {%- set row = run_query('select ' ~ counts | join(', ') ~ ' from ' ~ reads ~ ' as counted').rows[0].values() -%}
    {%- set phone = headwater._phone_patterns().known_number -%}
    {%- for read in select.reads -%}
        {%- set n = loop.index0 * 4 -%}
        {%- do found.append({
            'column': read.column, 'is_phone': phone in read.sql, 'there': row[n] | int, 'unread': row[n + 1] | int, 'shapes': [row[n + 2], row[n + 3]] | select | unique | list,
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro _shape_of(text) -%}
    {%- set digits = headwater.regexp_replace_all('substr(' ~ text ~ ', 1, 40)', '[0-9]', '9') -%}
    {{ return(headwater.regexp_replace_all(digits, '[^9 -/:-@[-`{-~]', 'a')) }}
{%- endmacro %}

{% macro _unread_values() -%}
    {{ return(api.Relation.create(database=target.database, schema=headwater._sync_schema(), identifier='unread_values')) }}
{%- endmacro %}

{#- Value: each count with what the builds before this one counted. -#}
{% macro _with_counted_before(found) -%}
    {%- set counted, sums = {}, [] -%}
    {%- for row in run_query(
        'select column_name, value_count, unread_count, shapes from ' ~ headwater._unread_values() ~ ' where model_name = '
        ~ headwater.string_literal(model.name)
    ).rows -%}
        {%- do counted.setdefault(row[0], []).append(row) -%}
    {%- endfor -%}
    {%- for one in found -%}
        {%- set known = counted[one.column].pop(0) if counted.get(one.column) else [one.column, 0, 0, none] -%}
        {%- do sums.append({
            'column': one.column, 'there': one.there + known[1] | int, 'unread': one.unread + known[2] | int,
            'shapes': one.shapes or ([known[3]] if known[3] else []),
            'verdict': 'allowed' if one.verdict == 'read' and known[2] | int else one.verdict,
        }) -%}
    {%- endfor -%}
    {{ return(sums) }}
{%- endmacro %}

{% macro _keep_unread(found) -%}
    {%- set table = headwater._unread_values() -%}
    {%- do run_query('delete from ' ~ table ~ ' where model_name = ' ~ headwater.string_literal(model.name)) -%}
    {%- set rows = [] -%}
    {%- for one in found -%}
        {%- do rows.append(
            'select ' ~ headwater.string_literal(model.name) ~ ', ' ~ headwater.string_literal(one.column) ~ ', ' ~ one.there ~ ', '
            ~ one.unread ~ ', cast(' ~ (headwater.string_literal(one.shapes | join(' | ')) if one.shapes else 'null') ~ ' as '
            ~ dbt.type_string() ~ '), ' ~ headwater.string_literal(one.verdict) ~ ', cast(' ~ headwater.string_literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S')) ~ ' as '
            ~ dbt.type_timestamp() ~ ')'
        ) -%}
    {%- endfor -%}
    {%- if rows -%}
        {%- do run_query(
            'insert into ' ~ table ~ ' (model_name, column_name, value_count, unread_count, shapes, verdict, counted_at) ' ~ rows | join(' union all ')
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- Nothing; gives each column its share and its verdict: read, allowed, warned or stopped. -#}
{% macro _judge_unread(found, settings) -%}
    {%- for one in found -%}
        {%- set own = settings['columns'].get(model.name ~ '.' ~ one.column, {}) -%}
        {%- set percent = 100 * one.unread / one.there if one.there else 0 -%}
        {%- set stop = own.get('stop_percent', settings.stop_percent) -%}
        {%- set warn = own.get('warn_percent', settings.warn_percent) -%}
        {%- do one.update({
            'percent': percent, 'stop': stop,
            'verdict': 'read' if not one.unread else 'stopped' if percent > stop else 'warned' if percent > warn else 'allowed',
        }) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _tell_unread(found) -%}
    {%- set told = {'warned': [], 'stopped': []} -%}
    {%- for one in found if one.verdict in told -%}
        {%- do told[one.verdict].append(
            one.column ~ ': ' ~ one.unread ~ ' of ' ~ one.there ~ ' values (' ~ '%.1f' | format(one.percent) ~ ' %) cannot be read, such as '
            ~ "'" ~ one.shapes | join("' and '") ~ "'" ~ ('; ' ~ one.stop ~ ' % may' if one.verdict == 'stopped' else '')
        ) -%}
    {%- endfor -%}
    {%- if told.warned -%}
        {%- do exceptions.warn(model.name ~ ': ' ~ told.warned | join('; ') ~ '. ' ~ headwater._unread_hint(found)) -%}
    {%- endif -%}
    {%- if told.stopped -%}
        {{ exceptions.raise_compiler_error(model.name ~ ': ' ~ told.stopped | join('; ') ~ '. ' ~ headwater._unread_hint(found)) }}
    {%- endif -%}
{%- endmacro %}

{% macro _unread_hint(found) -%}
    {%- set unread = found | selectattr('unread') | sort(attribute='unread') | list -%}
    {%- set column = (unread | last).column -%}
    {%- set phones = unread | selectattr('is_phone') | list -%}
    {%- set said = [] -%}
    {%- if unread | length > phones | length -%}
        {%- set other = (unread | rejectattr('is_phone') | list | last).column -%}
        {%- do said.append(
            'Say in ' ~ ('the staging model that gives it' if headwater._reads_as_declared() else model.original_file_path)
            ~ " how the source writes them: headwater.read('" ~ other
            ~ "', ...) takes a format, a time zone, a decimal mark."
        ) -%}
    {%- endif -%}
    {%- if phones -%}
        {%- set country = headwater.default_country() -%}
        {%- do said.append(
            'A phone number without a calling code is read as one of the country that normalise_phone is given, a column or a word of two capital'
            ~ ' letters, else of var cdp_default_country, which is ' ~ ("'" ~ country ~ "'" if country else 'not set') ~ '.'
        ) -%}
    {%- endif -%}
    {{ return(
        '(9 is a digit, a is a letter.) ' ~ said | join(' ') ~ ' Or say in var cdp_unread what share may be lost and why: columns: {'
        ~ model.name ~ '.' ~ column ~ ': {stop_percent: 20, reason: ...}}.'
    ) }}
{%- endmacro %}
