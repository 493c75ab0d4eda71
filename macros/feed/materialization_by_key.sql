{#- Materialisation: a table whose rows of one key follow from the rows of that key alone in what the model reads (rows_by_key).

    Beside it stands its feed, <model>__feed: per key the fingerprint of the rows that were read, and the rule they were read by. A build
    compares them with what is there now; the model's query then runs over the keys that are new, changed or gone alone, and where there are
    none nothing is written. The table is made whole when there is none, or no feed, on --full-refresh, when a third of the keys
    changed, and when the rule is another: the compiled SQL, the columns of what it reads, the contract.

    A feed that is being written to says so by a row of its own, so that a build which broke off is made whole by the next. -#}
{% materialization by_key, default %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set feed = headwater._feed_relation('feed') -%}
    {%- set unique_key = config.get('unique_key') -%}
    {%- set reads = headwater._reads_by_key(sql) -%}
    {%- do headwater._check_reads_by_key(reads) -%}
    {%- set selects = headwater._selects_that_read(sql) -%}

    {{ headwater.run_hooks_outside(pre_hooks) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do headwater.drop_leftover_scratch() -%}

    {%- set is_there = existing is not none and existing.type == 'table' and load_cached_relation(feed) is not none
        and headwater._are_reads_kept(selects) -%}
    {#- Where builds of ours make all that it reads, their versions say that nothing changed, and the feed need not be asked. -#}
    {%- set versions = headwater._versions_now(sql, target_relation, only_ours=true) -%}
    {%- set is_as_it_was = is_there and not headwater._why_made(existing, versions) -%}
    {%- set columns = [] if is_as_it_was else headwater._columns_by_key(reads) -%}
    {%- set rule = headwater._rule_by_key(sql, columns) -%}
    {%- set now = headwater.scratch_relation('now') -%}
    {%- set touched = headwater.scratch_relation('touched') -%}
    {%- set fresh = headwater.scratch_relation('fresh') -%}
    {%- if not is_as_it_was -%}
        {%- do headwater.create_scratch(now, headwater._feed_now_sql(reads, columns)) -%}
    {%- endif -%}

    {%- set state = namespace(why='', touched=0) -%}
    {%- if is_as_it_was -%}
    {%- elif not is_there -%}
        {%- set state.why = 'it has no table, or no feed' -%}
    {%- elif should_full_refresh() -%}
        {%- set state.why = '--full-refresh asks for it' -%}
    {%- else -%}
        {%- set rules = headwater._other_rules(feed, rule) -%}
        {%- if rules.others -%}
            {%- set state.why = 'its rule changed' -%}
        {%- elif rules.unfinished -%}
            {%- set state.why = 'its last build broke off' -%}
        {%- else -%}
            {%- do headwater.create_scratch(touched, headwater._touched_sql(now, feed)) -%}
            {%- set counts = headwater._touched_counts(now, touched) -%}
            {%- set state.touched = counts.new + counts.changed + counts.gone -%}
            {%- if 3 * state.touched > counts.every -%}
                {%- set state.why = 'more than a third of its keys changed' -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}

    {%- if state.why -%}
        {%- do log(model.name ~ ': made whole, since ' ~ state.why, info=state.why in ['its rule changed', 'its last build broke off']) -%}
        {%- do headwater._forget_version(target_relation, versions) -%}
        {%- do run_query('drop table if exists ' ~ feed) -%}
        {%- do headwater.drop_before_replacing(existing) -%}
        {% call statement('main') -%}
            {{ get_create_table_as_sql(False, target_relation, sql) }}
        {%- endcall %}
        {%- do headwater._keep_reads(selects, reads, none) -%}
        {%- do run_query(
            'create table ' ~ feed ~ ' as select row_key, fingerprint, ' ~ headwater.string_literal(rule) ~ ' as rule from ' ~ now
        ) -%}
        {%- set strangers = headwater._strangers_sql(target_relation, unique_key, 'select row_key from ' ~ now) -%}
        {%- if headwater._counted(strangers) -%}
            {#- What came since `now` was made; the next build looks at it again. -#}
            {%- set later = [] -%}
            {%- for read in reads -%}{%- do later.append('select ' ~ read.key ~ ' as row_key from ' ~ read.relation) -%}{%- endfor -%}
            {%- do headwater._check_keys(headwater._strangers_sql(target_relation, unique_key, later | join(' union all '))) -%}
            {%- do run_query(
                'insert into ' ~ feed ~ ' (row_key, fingerprint, rule) select row_key, -1, ' ~ headwater.string_literal(rule)
                ~ ' from (' ~ strangers ~ ') as strangers group by row_key'
            ) -%}
        {%- endif -%}
        {%- do persist_docs(target_relation, model) -%}
    {%- elif not state.touched -%}
        {%- do log(model.name ~ ': nothing changed') -%}
        {% call statement('main') -%}
            select 0 as changed_keys
        {%- endcall %}
    {%- else -%}
        {%- do log(model.name ~ ': keys: ' ~ counts.new ~ ' new, ' ~ counts.changed ~ ' changed, ' ~ counts.gone ~ ' gone') -%}
        {%- set names = [] -%}
        {%- for column in adapter.get_columns_in_relation(existing) -%}{%- do names.append(adapter.quote(column.name)) -%}{%- endfor -%}
        {%- set touched_reads = headwater._reads_of_touched_keys(reads, touched) -%}
        {%- do headwater.create_scratch(fresh, headwater._reading(sql, touched_reads)) -%}
        {%- do headwater._check_keys(headwater._strangers_sql(fresh, unique_key, 'select row_key from ' ~ touched)) -%}
        {%- do headwater._forget_version(target_relation, versions) -%}
        {%- do run_query("insert into " ~ feed ~ " (row_key, fingerprint, rule) select '', 0, 'being written'") -%}
        {%- do headwater._delete_touched(target_relation, unique_key, touched) -%}
        {% call statement('main') -%}
            insert into {{ target_relation }} ({{ names | join(', ') }}) select {{ names | join(', ') }} from {{ fresh }}
        {%- endcall %}
        {%- do headwater._keep_reads(selects, touched_reads, touched) -%}
        {%- do headwater._delete_touched(feed, 'row_key', touched) -%}
        {%- do run_query(
            'insert into ' ~ feed ~ ' (row_key, fingerprint, rule) select row_key, fingerprint, ' ~ headwater.string_literal(rule)
            ~ ' from (' ~ headwater._feed_now_sql(touched_reads, columns) ~ ') as present'
        ) -%}
        {%- do run_query("delete from " ~ feed ~ " where rule = 'being written'") -%}
    {%- endif -%}
    {%- do apply_grants(
        target_relation, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=(state.why != ''))
    ) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- if not is_as_it_was -%}
        {%- do headwater._keep_version_of_keys(target_relation, versions, is_written=state.why or state.touched) -%}
    {%- endif -%}
    {{ adapter.commit() if target.type == 'duckdb' }}
    {{ headwater.run_hooks_outside(post_hooks) }}
    {%- do headwater.drop_leftover_scratch() -%}
    {%- do headwater._keep_and_judge_unread(headwater._count_kept_reads(selects)) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Relation: a table that stands beside the model's own. -#}
{% macro _feed_relation(name) -%}
    {{ return(this.incorporate(path={'identifier': this.identifier ~ '__' ~ name}, type='table')) }}
{%- endmacro %}

{#- Value: per relation that is read by key its columns: {name, type} each. -#}
{% macro _columns_by_key(reads) -%}
    {%- set columns = [] -%}
    {%- for read in reads -%}
        {%- set found = [] -%}
        {%- for column in get_column_schema_from_query('select * from ' ~ read.relation) -%}
            {%- do found.append({'name': adapter.quote(column.name), 'type': column.dtype | string}) -%}
        {%- endfor -%}
        {%- do columns.append(found) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Value: all that decides what a row becomes, beside the row: eight letters of its hash. -#}
{% macro _rule_by_key(code, columns) -%}
    {%- set parts = [code, config.get('unique_key')] + headwater.unread_settings().placeholders -%}
    {%- for found in columns -%}
        {%- for column in found -%}{%- do parts.append(column.name ~ ' ' ~ column.type) -%}{%- endfor -%}
    {%- endfor -%}
    {%- for name, column in model.columns.items() -%}{%- do parts.append(name ~ ' ' ~ column.get('data_type')) -%}{%- endfor -%}
    {{ return(local_md5(parts | join('\n'))[:8]) }}
{%- endmacro %}

{#- Query: (row_key, fingerprint) of what is there now. A key that repeats has the sum over its rows. -#}
{% macro _feed_now_sql(reads, columns) -%}
    select row_key, sum(fingerprint) as fingerprint
    from (
        {%- for read in reads %}
        {%- set found = ["'" ~ loop.index ~ "'"] -%}
        {%- for column in columns[loop.index0] -%}{%- do found.append(column.name) -%}{%- endfor %}
        select {{ read.key }} as row_key, {{ headwater.row_fingerprint(found) }} as fingerprint
        from {{ read.relation }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as rows_read
    where row_key is not null
    group by row_key
{%- endmacro %}

{#- Query: (row_key, kind) of the keys that are not as they were: new, changed, gone. -#}
{% macro _touched_sql(now, feed) -%}
    select
        coalesce(present.row_key, known.row_key) as row_key,
        case when known.row_key is null then 'new' when present.row_key is null then 'gone' else 'changed' end as kind
    from {{ now }} as present
    full outer join {{ feed }} as known on present.row_key = known.row_key
    where
        present.row_key is null
        or known.row_key is null
        or present.fingerprint <> known.fingerprint
{%- endmacro %}

{#- Value: {unfinished, others}: how many rows of the feed say that it is being written to, and how many are of another rule. -#}
{% macro _other_rules(feed, rule) -%}
    {%- set row = run_query(
        "select coalesce(sum(case when rule = 'being written' then 1 else 0 end), 0) as unfinished, coalesce(sum(case when rule not in ("
        ~ headwater.string_literal(rule) ~ ", 'being written') then 1 else 0 end), 0) as others from " ~ feed
    ).rows[0].values() -%}
    {{ return({'unfinished': row[0] | int, 'others': row[1] | int}) }}
{%- endmacro %}

{#- Value: {every, new, changed, gone}: how many keys there are, and how many of each kind. -#}
{% macro _touched_counts(now, touched) -%}
    {%- set sums = [] -%}
    {%- for kind in ['new', 'changed', 'gone'] -%}
        {%- do sums.append("coalesce(sum(case when kind = '" ~ kind ~ "' then 1 else 0 end), 0) as " ~ kind ~ "_keys") -%}
    {%- endfor -%}
    {%- set row = run_query(
        'select ' ~ sums | join(', ') ~ ', (select count(*) from ' ~ now ~ ') as every_key from ' ~ touched
    ).rows[0].values() -%}
    {{ return({'new': row[0] | int, 'changed': row[1] | int, 'gone': row[2] | int, 'every': row[3] | int}) }}
{%- endmacro %}

{#- Statement: takes out of a relation the rows of the touched keys. -#}
{% macro _delete_touched(relation, key, touched) -%}
    {%- do run_query(
        'delete from ' ~ relation ~ ' where cast(' ~ key ~ ' as ' ~ dbt.type_string() ~ ') in (select row_key from ' ~ touched ~ ')'
    ) -%}
{%- endmacro %}

{#- Query: the keys of rows that were made which are none of `keys`, itself a query of row_key. -#}
{% macro _strangers_sql(relation, unique_key, keys) -%}
    select made.row_key
    from (select cast({{ unique_key }} as {{ dbt.type_string() }}) as row_key from {{ relation }}) as made
    left join (select row_key from ({{ keys }}) as all_keys group by row_key) as known on made.row_key = known.row_key
    where known.row_key is null
{%- endmacro %}

{% macro _counted(query) -%}
    {{ return(run_query('select count(case when 1 = 1 then 1 end) as found from (' ~ query ~ ') as counted').rows[0].values()[0] | int) }}
{%- endmacro %}

{#- Nothing, or an error: a row whose key is not that of what it was read from would never be taken out again. -#}
{% macro _check_keys(strangers) -%}
    {%- set found = headwater._counted(strangers) -%}
    {%- if found -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ": materialized='by_key': " ~ found ~ " rows have a `" ~ config.get('unique_key')
            ~ "` that is none of the keys that rows_by_key reads. Give it the key as the model writes it"
            ~ " (rows_by_key(..., 'lower(trim(id))')), leave out rows without one, or materialize the model as a table."
        ) }}
    {%- endif -%}
{%- endmacro %}
