{#- What a table was made of stands in `table_versions`, beside what sync remembers: the rule it was made by, the version of each relation
    that it read, the version of what it holds. Rows are only added: the last of a table counts, and one without a version says that the table is
    being made. What no build of ours makes (sources, seeds, views, tables that others fill) has rows too, without a rule, which hold
    within one build. At its end all rows go that hold no more. -#}

{#- Value: {rule, inputs, moments, kept, doubt} of a model whose compiled SQL is `code`: what it would be made by and of now, what is kept of
    `relation` (none where that is unknown), and, in words, why it has to be made whatever these say. With `only_ours` a relation that no build of
    ours makes is such a doubt, and none is scanned. Statements. -#}
{% macro _versions_now(code, relation, only_ours=false) -%}
    {%- set timed = headwater._moments_in(code) -%}
    {%- set found = {'rule': headwater._rule_of(timed.code), 'inputs': {}, 'moments': timed.moments, 'kept': none, 'doubt': ''} -%}
    {%- set table = headwater._table_versions() -%}
    {%- set read = headwater._relations_read(code) -%}
    {%- set ours = headwater._relations_with_versions() -%}
    {%- if table is none -%}
        {%- do found.update({'doubt': 'there is no table_versions'}) -%}
        {{ return(found) }}
    {%- endif -%}
    {%- do found.update({'doubt': 'a hook of its own may write' if headwater._hooks_of_others() else read.doubt}) -%}

    {%- set inputs = [] if found.doubt else read.relations -%}
    {%- set counted = [relation | string] if load_cached_relation(relation) is not none else [] -%}
    {%- for name in inputs if ours.get(name) -%}{%- do counted.append(name) -%}{%- endfor -%}
    {%- set known = headwater._known_versions(table, inputs + [relation | string], counted) -%}
    {%- do found.update({'kept': known.get(relation | string)}) -%}
    {%- for name in inputs -%}
        {#- What dbt does not know that the model reads may be made later in this build: it is looked at each time. -#}
        {%- set stands = known.get(name, {}) if name in ours else {} -%}
        {%- set version = stands.version if ours.get(name) or not stands.rule else none -%}
        {%- if not version and only_ours -%}
            {%- do found.update({'doubt': name ~ ' has no version'}) -%}
        {%- elif not version -%}
            {%- set version = headwater._content_of(name).version -%}
            {%- if not version -%}
                {%- do found.update({'doubt': name ~ ' has columns that cannot be compared'}) -%}
            {%- elif name in ours -%}
                {%- do headwater._add_version(table, name, '', '', version, 0) -%}
            {%- endif -%}
        {%- endif -%}
        {%- do found.inputs.update({name: version}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Text: why a table is not as it would be if it were made now; empty where it is. -#}
{% macro _why_made(existing, now) -%}
    {%- if existing is none or existing.type != 'table' -%}
        {{ return('it has no table') }}
    {%- elif should_full_refresh() -%}
        {{ return('--full-refresh asks for it') }}
    {%- elif now.doubt -%}
        {{ return(now.doubt) }}
    {%- elif not now.kept or not now.kept.version -%}
        {{ return('nothing that holds is known of how it was made') }}
    {%- elif now.kept.rule != now.rule -%}
        {{ return('its rule is another') }}
    {%- endif -%}
    {%- set others = [] -%}
    {%- set before = now.kept.inputs.split(' ; ') -%}
    {%- for input in headwater._inputs_text(now.inputs).split(' ; ') if input not in before -%}
        {%- do others.append(input.rpartition('=')[0]) -%}
    {%- endfor -%}
    {%- if others -%}
        {{ return(others | join(', ') ~ ' changed') }}
    {%- elif headwater._inputs_text(now.inputs) != now.kept.inputs -%}
        {{ return('it reads other relations') }}
    {%- elif now.moments and now.kept.as_of != headwater._cdp_instant()
        and headwater._has_any_happened(now.moments, headwater.timestamp_literal(now.kept.as_of), headwater.cdp_now()) -%}
        {{ return('something came to pass') }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}

{#- Statement, before a table is written: what is kept of it holds no more. -#}
{% macro _forget_version(relation, now) -%}
    {%- set table = headwater._table_versions() -%}
    {%- if table is not none and (now.kept or now.doubt) -%}
        {%- do headwater._add_version(table, relation | string, now.rule, '', none, 0, step=1, kept=now.kept) -%}
    {%- endif -%}
{%- endmacro %}

{#- Statements, after a table was written: what it was made by and of, and the version of what it holds now, or where nobody asks for
    that one that no other build gives. -#}
{% macro _keep_version(relation, now, version=none) -%}
    {%- if not now.doubt -%}
        {%- set held = headwater._content_of(relation | string, only_count=version is not none) -%}
        {%- do headwater._add_version(
            headwater._table_versions(), relation | string, now.rule, headwater._inputs_text(now.inputs),
            version or held.version or headwater._version_sequence(2), held.row_count, step=2, kept=now.kept
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- Statements, after a by_key model: where its rows were written it has another version, where they were not the one it had. -#}
{% macro _keep_version_of_keys(relation, now, is_written) -%}
    {%- set had = (now.kept or {}).get('version') -%}
    {%- if headwater._table_versions() is none -%}
    {%- elif headwater._hooks_of_others() -%}
        {%- do headwater._forget_version(relation, now) -%}
    {%- elif is_written or not had or now.kept.rule != now.rule or now.kept.inputs != headwater._inputs_text(now.inputs) -%}
        {%- do headwater._add_version(
            headwater._table_versions(), relation | string, now.rule, headwater._inputs_text(now.inputs),
            headwater._version_sequence(2) if is_written or not had else had, headwater._content_of(relation | string, only_count=true).row_count, step=2, kept=now.kept
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- Statement for on-run-end: takes out the rows that hold no more. -#}
{% macro tidy_table_versions() -%}
    {%- set table = headwater._table_versions() if execute and headwater._dbt_runs_nodes() else none -%}
    {%- if table is not none -%}
        {%- do run_query(
            "delete from " ~ table ~ " where rule = '' or row_id not in (select row_id from (select row_id, row_number() over"
            ~ " (partition by relation_name order by sequence desc) as place from " ~ table ~ " where rule <> '') as ranked where place = 1)"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _table_versions() -%}
    {{ return(adapter.get_relation(database=target.database, schema=headwater._sync_schema(), identifier='table_versions')) }}
{%- endmacro %}

{#- Value: all that decides what a table becomes, beside the rows that its SQL reads. -#}
{% macro _rule_of(code) -%}
    {%- set parts = [code, tojson(model.config, sort_keys=true)] + headwater.unread_settings().placeholders -%}
    {%- for name, column in model.columns.items() -%}
        {%- do parts.append(name ~ ' ' ~ column.get('data_type') ~ ' ' ~ column.get('constraints')) -%}
    {%- endfor -%}
    {{ return(local_md5(parts | join('\n'))) }}
{%- endmacro %}

{#- Value: whether a hook of the model is none of the package's, which write nothing into its table. -#}
{% macro _hooks_of_others() -%}
    {%- for place in ['pre_hook', 'pre-hook', 'post_hook', 'post-hook'] -%}
        {%- set hooks = model.config.get(place) or [] -%}
        {#- dbt's v2 has a hook that is alone without a list. -#}
        {%- for hook in ([hooks] if hooks is string or hooks is mapping else hooks) -%}
            {%- set code = (hook if hook is string else hook.sql) | trim -%}
            {%- if not modules.re.match('(?s)^[{]{2} *headwater[.](count_unread|activation_laws)[(].*[}]{2}$', code)
                or modules.re.findall('[{]{2} |[{]%|;', code) | length > 1 -%}
                {{ return(true) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{#- Value: what the model reads as dbt knows it, by the relation's text: true where a build of ours keeps its version. -#}
{% macro _relations_with_versions() -%}
    {%- set found = {} -%}
    {%- for id in model.depends_on.nodes -%}
        {%- set node = graph.nodes.get(id) or graph.sources.get(id) -%}
        {%- if node and node.relation_name -%}
            {%- do found.update({
                node.relation_name: node.resource_type == 'model' and node.config.materialized in ['when_changed', 'by_key', 'identity_links']
                and adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) is not none
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: by relation what stands last of those names; no version where the table is being made, or has another number of rows since. -#}
{% macro _known_versions(table, names, counted) -%}
    {%- set queries = [
        'select relation_name, sequence, build_id, rule, inputs, version, as_of, row_count from ' ~ table ~ ' where relation_name in ('
        ~ headwater.string_literals(names) ~ ')'
    ] -%}
    {%- set text = dbt.type_string() -%}
    {%- for name in counted -%}
        {%- do queries.append(
            'select ' ~ headwater.string_literal(name) ~ ', null, null, null, null, null, null, count(*) from ' ~ name
        ) -%}
    {%- endfor -%}
    {%- set last, counts = {}, {} -%}
    {%- for row in run_query(queries | join(' union all ')).rows -%}
        {%- set name, sequence, build_id, rule, inputs, version, as_of, row_count = row.values() -%}
        {%- if rule is none -%}
            {%- do counts.update({name: row_count | int}) -%}
        {%- elif (rule or build_id == invocation_id) and sequence > last.get(name, {}).get('sequence', '') -%}
            {%- do last.update({name: {
                'sequence': sequence, 'rule': rule, 'inputs': inputs, 'version': version, 'as_of': as_of, 'row_count': row_count | int,
            }}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in counts if name in last and counts[name] != last[name].row_count -%}
        {%- do last[name].update({'version': none}) -%}
    {%- endfor -%}
    {{ return(last) }}
{%- endmacro %}

{#- Value: {version, row_count} of what a relation holds: its columns and a sum over its rows. No version where a type of
    the warehouse's cannot be compared. -#}
{% macro _content_of(name, only_count=false) -%}
    {%- set columns, types = [], [] -%}
    {%- if not only_count -%}
        {%- for column in get_column_schema_from_query('select * from ' ~ name) -%}
            {%- do columns.append(adapter.quote(column.name)) -%}
            {%- do types.append(column.name ~ ' ' ~ column.dtype) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if modules.re.search('(?i) (geography|geometry|vector|interval)', types | join(',')) -%}
        {%- set columns = [] -%}
    {%- endif -%}
    {%- set sum = 'coalesce(sum(' ~ headwater.row_fingerprint(columns) ~ '), 0)' if columns else '0' -%}
    {%- set row = run_query(
        'select count(*) as row_count, cast(' ~ sum ~ ' as ' ~ dbt.type_string() ~ ') as fingerprint from ' ~ name
    ).rows[0].values() -%}
    {{ return({
        'row_count': row[0] | int,
        'version': row[0] ~ '-' ~ row[1] ~ '-' ~ local_md5(types | join(','))[:8] if columns else none,
    }) }}
{%- endmacro %}

{#- Text that sorts by build and by step within it. -#}
{% macro _version_sequence(step) -%}
    {{ return(run_started_at.strftime('%Y%m%d%H%M%S%f') ~ '-' ~ step) }}
{%- endmacro %}

{% macro _inputs_text(inputs) -%}
    {%- set texts = [] -%}
    {%- for name in inputs | sort -%}{%- do texts.append(name ~ '=' ~ inputs[name]) -%}{%- endfor -%}
    {{ return(texts | join(' ; ')) }}
{%- endmacro %}

{#- Statement. What comes after `kept` sorts behind it, even where the clock of who made that was ahead. -#}
{% macro _add_version(table, name, rule, inputs, version, row_count, step=0, kept=none) -%}
    {%- set sequence = headwater._version_sequence(step) -%}
    {%- if kept and kept.sequence >= sequence -%}
        {%- set sequence = kept.sequence ~ '~' ~ step -%}
    {%- endif -%}
    {%- set values = [] -%}
    {%- for value in [local_md5([name, sequence, invocation_id] | join('|')), name, sequence, invocation_id, rule, inputs, headwater._cdp_instant()] -%}
        {%- do values.append(headwater.string_literal(value)) -%}
    {%- endfor -%}
    {%- do run_query(
        'insert into ' ~ table ~ ' (row_id, relation_name, sequence, build_id, rule, inputs, as_of, version, row_count) select ' ~ values | join(', ')
        ~ ', cast(' ~ (headwater.string_literal(version) if version else 'null') ~ ' as ' ~ dbt.type_string() ~ '), ' ~ row_count
    ) -%}
{%- endmacro %}
