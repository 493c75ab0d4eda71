{#- Statements for on-run-end: keeps in `dbt_failures` which nodes failed or were skipped when they last ran, and which models were made of
    the sandbox's results, which a live push must not send: they do not know who unsubscribed. dbt itself remembers its latest run only,
    which may have left them out, and on this machine only; a push asks the table too. -#}
{% macro keep_dbt_failures(results) -%}
    {%- if execute and headwater._dbt_runs_nodes() -%}
        {%- set failures = adapter.get_relation(
            database=target.database, schema=headwater._sync_schema(), identifier='dbt_failures'
        ) -%}
        {%- if failures -%}
            {%- do headwater._keep_dbt_failures(
                failures, results or [], headwater.laws_broken_without_activation(results or [])
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _keep_dbt_failures(failures, results, laws_broken) -%}
    {%- set kept = run_query('select unique_id from ' ~ failures).columns[0].values() | list -%}
    {%- set over, failed = [], [] -%}
    {%- set is_sandbox = headwater.cdp_environment() == headwater.string_literal('sandbox') -%}
    {%- for result in results -%}
        {%- set unique_id = result.node.unique_id -%}
        {%- if unique_id in kept -%}{%- do over.append(headwater.string_literal(unique_id)) -%}{%- endif -%}
        {%- set is_law = unique_id in laws_broken or 'law broken in ' in (result.message or '') | string -%}
        {%- set status = 'law broken' if is_law else result.status | string -%}
        {%- if status == 'success' and is_sandbox and unique_id.split('.')[0] == 'model' -%}
            {%- set status = 'sandbox' -%}
        {%- endif -%}
        {%- if status not in ['success', 'pass', 'warn', 'no-op', 'reused'] -%}
            {%- do failed.append(
                'select ' ~ headwater.string_literal(unique_id) ~ ', ' ~ headwater.string_literal(status) ~ ', cast('
                ~ headwater.string_literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S')) ~ ' as ' ~ dbt.type_timestamp() ~ ')'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if over -%}
        {%- do run_query('delete from ' ~ failures ~ ' where unique_id in (' ~ over | join(', ') ~ ')') -%}
    {%- endif -%}
    {%- if failed -%}
        {%- do run_query('insert into ' ~ failures ~ ' (unique_id, status, failed_at) ' ~ failed | join(' union all ')) -%}
    {%- endif -%}
{%- endmacro %}

{#- Statement for on-run-end, after what failed was kept: nothing, or an error where a model that a sync sends and that is not made by
    activation() breaks a law. -#}
{% macro stop_at_broken_laws(results) -%}
    {%- if execute and headwater._dbt_runs_nodes() -%}
        {%- set broken = headwater.laws_broken_without_activation(results or []) -%}
        {%- if broken -%}
            {{ headwater.failing_statement(broken.values() | join('\n  ')) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
