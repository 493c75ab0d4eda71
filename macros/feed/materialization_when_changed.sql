{#- Materialisation: a table that is left alone where what it was made by and of is what it would be made by and of now (table_versions): its
    compiled SQL and settings, and the version of all that the SQL reads. Else it is made whole; where its rows come out as they were
    it keeps its version, and what reads it is left alone in turn. Whoever reads the clock by cdp_now() has it in the SQL and is made in each build.

    In doubt it is made: no table, --full-refresh, another number of rows than was kept, hooks of others, SQL that this cannot see through. The
    package's own hooks run in either case: laws and limits hold on days on which nothing changes. -#}
{% materialization when_changed, default %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}

    {{ headwater.run_hooks_outside(pre_hooks) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set now = headwater._versions_now(sql, target_relation) -%}
    {%- set why = headwater._why_made(existing, now) -%}
    {%- if why -%}
        {%- do log(model.name ~ ': made, since ' ~ why) -%}
        {%- do headwater._forget_version(target_relation, now) -%}
        {%- do headwater.drop_before_replacing(existing) -%}
        {% call statement('main') -%}
            {{ get_create_table_as_sql(False, target_relation, sql) }}
        {%- endcall %}
    {%- else -%}
        {%- do headwater._leave_alone() -%}
    {%- endif -%}
    {%- do apply_grants(
        target_relation, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=(why != ''))
    ) -%}
    {%- do persist_docs(target_relation, model) -%}

    {%- do headwater._end_made_or_left(target_relation, now, why, post_hooks) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Statement: dbt wants one of each model, also of one that is left alone. -#}
{% macro _leave_alone() -%}
    {%- do log(model.name ~ ': left alone, nothing changed') -%}
    {% call statement('main') -%}
        select 0 as changed_rows
    {%- endcall %}
{%- endmacro %}

{#- Statements with which a model ends that was made, for the reason `why`, or left alone: a version is kept after the hooks, which may stop it. -#}
{% macro _end_made_or_left(relation, now, why, hooks) -%}
    {{ run_hooks(hooks, inside_transaction=True) }}
    {%- if why -%}
        {%- do headwater._keep_version(relation, now) -%}
    {%- endif -%}
    {{ adapter.commit() if target.type == 'duckdb' }}
    {{ headwater.run_hooks_outside(hooks) }}
{%- endmacro %}
