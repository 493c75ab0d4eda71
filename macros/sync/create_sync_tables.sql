{#- Statement: creates the schemas and tables that `sync` writes (the ledger, and the campaign results it pulls) where they
    are missing, so that a first `dbt build` works before any push or pull. Runs on-run-start; when all is there it costs
    one listing per schema. -#}
{% macro create_sync_tables() -%}
    {%- if execute and headwater._dbt_runs_nodes() -%}
        {%- set is_first_build = not adapter.get_relation(
            database=target.database, schema=headwater._sync_schema(), identifier='runs'
        ) -%}
        {%- for schema, tables in headwater._sync_tables() -%}
            {%- set missing = {} -%}
            {%- for name in tables -%}
                {%- if not adapter.get_relation(database=target.database, schema=schema, identifier=name) -%}
                    {%- set clusters = headwater.cluster_clause(headwater._sync_table_clusters().get(name, [])) -%}
                    {%- set former = none if is_first_build else headwater._former_results(schema, name) -%}
                    {%- do missing.update({name: headwater._sync_table_body(tables[name], clusters, former)}) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- set lacking = [] -%}
            {%- for name, columns in headwater._sync_columns_added().items() if name in tables and name not in missing -%}
                {%- set relation = adapter.get_relation(database=target.database, schema=schema, identifier=name) -%}
                {%- set known = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
                {%- for column in columns if column not in known -%}
                    {%- do lacking.append(relation ~ ' add column ' ~ column ~ ' ' ~ tables[name][column]) -%}
                {%- endfor -%}
            {%- endfor -%}
            {#- Ends the transaction that looking began, which a hook rolls back: what follows stays. -#}
            {%- if missing or lacking -%}
                {%- do adapter.create_schema(api.Relation.create(database=target.database, schema=schema)) -%}
            {%- endif -%}
            {%- for addition in lacking -%}
                {%- do run_query('alter table ' ~ addition) -%}
            {%- endfor -%}
            {%- for name, body in missing.items() -%}
                {%- set relation = api.Relation.create(
                    database=target.database, schema=schema, identifier=name, type='table'
                ) -%}
                {%- do run_query('create table if not exists ' ~ relation ~ body) -%}
                {#- dbt listed the schema before: what fails in a first build is kept too. -#}
                {%- do adapter.cache_added(api.Relation.create(
                    database=headwater.stored_name(target.database), schema=headwater.stored_name(schema),
                    identifier=headwater.stored_name(name), type='table'
                )) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- Value: what follows a table's name where it is made: its columns, or the rows of the one that had them until now. -#}
{% macro _sync_table_body(types, clusters, former) -%}
    {%- if not former -%}
        {%- set columns = [] -%}
        {%- for column, type in types.items() -%}
            {%- do columns.append(column ~ ' ' ~ type) -%}
        {%- endfor -%}
        {{ return(' (' ~ columns | join(', ') ~ ')' ~ clusters) }}
    {%- endif -%}
    {%- set known = adapter.get_columns_in_relation(former) | map(attribute='name') | map('lower') | list -%}
    {%- set columns = [] -%}
    {%- for column, type in types.items() -%}
        {%- do columns.append((column if column in known else 'cast(null as ' ~ type ~ ') as ' ~ column)) -%}
    {%- endfor -%}
    {{ return(clusters ~ ' as select ' ~ columns | join(', ') ~ ' from ' ~ former) }}
{%- endmacro %}

{#- Value: the table of results that every project of a database shared before each had its own; none where there is none. -#}
{% macro _former_results(schema, name) -%}
    {%- if schema == headwater._sync_schema() and name in headwater._result_tables() -%}
        {{ return(adapter.get_relation(database=target.database, schema='raw_campaigns', identifier=name)) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Value: columns that tables of earlier versions lack, by table. -#}
{% macro _sync_columns_added() -%}
    {{ return({'campaign_events': ['channel'], 'unread_values': ['verdict'], 'erasure_requests': ['salt', 'scope']}) }}
{%- endmacro %}

{#- By what `sync` and staging look rows up: a push reads its own sync's part of a ledger that all syncs share. -#}
{% macro _sync_table_clusters() -%}
    {{ return({
        'ledger': ['sync_name', 'environment'],
        'acknowledgements': ['sync_name', 'run_id'],
        'intents': ['sync_name', 'run_id'],
        'batches': ['sync_name', 'run_id'],
        'failures': ['sync_name', 'run_id'],
        'campaign_events': ['destination', 'campaign_id'],
    }) }}
{%- endmacro %}

{#- Value: the tables of everything `sync` writes as (schema, tables) in the order of making them. -#}
{% macro _sync_tables() -%}
    {{ return([
        (headwater._sync_schema(), headwater._memory_tables()),
        (headwater._results_schema(), headwater._result_tables()),
    ]) }}
{%- endmacro %}

{#- Value: table and column names of what `sync` remembers; types are portable. -#}
{% macro _memory_tables() -%}
    {%- set string = dbt.type_string() -%}
    {%- set number = dbt.type_bigint() -%}
    {%- set decimal = dbt.type_float() -%}
    {%- set instant = dbt.type_timestamp() -%}
    {%- set is_true = dbt.type_boolean() -%}
    {{ return({
        'ledger': {
            'environment': string, 'sync_name': string, 'sync_key': string, 'row_hash': string,
            'definition_hash': string, 'identifiers': string, 'remote_id': string, 'run_id': string,
            'acknowledged_at': instant,
        },
        'acknowledgements': {
            'environment': string, 'sync_name': string, 'sync_key': string, 'action': string,
            'row_hash': string, 'definition_hash': string, 'identifiers': string, 'remote_id': string,
            'run_id': string, 'batch_number': number, 'acknowledged_at': instant,
        },
        'intents': {
            'environment': string, 'sync_name': string, 'run_id': string, 'sync_key': string,
            'definition_hash': string, 'identifiers': string, 'outdated_identifiers': string, 'remote_id': string,
        },
        'runs': {
            'environment': string, 'run_id': string, 'sync_name': string, 'command': string, 'mode': string,
            'status': string, 'started_at': instant, 'finished_at': instant, 'added': number, 'changed': number,
            'removed': number, 'unchanged': number, 'failed': number, 'withheld': number, 'message': string,
        },
        'batches': {
            'environment': string, 'run_id': string, 'sync_name': string, 'batch_number': number,
            'action': string, 'row_count': number, 'failed_count': number, 'request_count': number,
            'seconds': decimal, 'finished_at': instant,
        },
        'failures': {
            'environment': string, 'run_id': string, 'sync_name': string, 'sync_key': string, 'action': string,
            'status': string, 'message': string, 'payload_hash': string, 'attempts': number,
            'quarantined': is_true, 'failed_at': instant,
        },
        'withheld': {
            'environment': string, 'run_id': string, 'sync_name': string, 'reason': string, 'row_count': number,
        },
        'places': {
            'environment': string, 'sync_name': string, 'destination': string, 'place': string, 'account': string,
            'object': string, 'key_columns': string, 'connection': string, 'seen_at': instant,
        },
        'leases': {
            'environment': string, 'sync_name': string, 'owner': string, 'expires_at': instant,
        },
        'cursors': {
            'environment': string, 'destination': string, 'cursor_at': instant, 'updated_at': instant,
        },
        'dbt_failures': {'unique_id': string, 'status': string, 'failed_at': instant},
        'unread_values': {
            'model_name': string, 'column_name': string, 'value_count': number, 'unread_count': number, 'shapes': string,
            'verdict': string, 'counted_at': instant,
        },
        'table_versions': {
            'row_id': string, 'relation_name': string, 'sequence': string, 'build_id': string, 'rule': string, 'inputs': string,
            'version': string, 'as_of': string, 'row_count': number,
        },
        'journey_versions': {
            'journey_name': string, 'version_number': number, 'version': string, 'definition': string, 'migrates': string, 'kept_at': instant,
        },
        'identity_answers': {
            'entity': string, 'action': string, 'left_key': string, 'right_key': string, 'author': string, 'reason': string,
            'answered_at': instant,
        },
        'erasure_requests': {
            'environment': string, 'request_id': string, 'identifier_type': string,
            'identifier_value_sha256': string, 'requested_at': instant, 'salt': string, 'scope': string,
        },
        'erasure_tasks': {
            'environment': string, 'task_id': string, 'request_id': string, 'destination': string, 'account': string,
            'object_kind': string, 'object_name': string, 'sync_name': string, 'sync_key': string,
            'identifiers': string, 'remote_id': string, 'status': string, 'detail': string, 'job': string,
            'attempts': number, 'made_at': instant, 'asked_at': instant, 'answered_at': instant,
        },
    }) }}
{%- endmacro %}

{#- Value: the same of the campaign results that it pulls. -#}
{% macro _result_tables() -%}
    {%- set string = dbt.type_string() -%}
    {%- set number = dbt.type_bigint() -%}
    {%- set decimal = dbt.type_float() -%}
    {%- set instant = dbt.type_timestamp() -%}
    {{ return({
        'campaigns': {
            'environment': string, 'destination': string, 'campaign_id': string, 'campaign_name': string,
            'channel': string, 'status': string, 'started_at': instant, 'raw': string, 'pulled_at': instant,
        },
        'campaign_events': {
            'environment': string, 'destination': string, 'event_id': string, 'campaign_id': string,
            'kind': string, 'recipient_type': string, 'recipient': string, 'touchpoint_id': string,
            'occurred_at': instant, 'raw': string, 'pulled_at': instant, 'channel': string,
        },
        'campaign_daily': {
            'environment': string, 'destination': string, 'campaign_id': string, 'date': 'date',
            'spend': decimal, 'currency': string, 'impressions': number, 'clicks': number,
            'conversions': decimal, 'raw': string, 'pulled_at': instant,
        },
    }) }}
{%- endmacro %}

{#- Value: the schema of the results that `sync pull` brings, as the source `campaigns` says: in this project, whose raw data is in schemas
    of its own, and in no schema that others of the same database have in one that installs it. -#}
{% macro _results_schema() -%}
    {{ return('raw_campaigns' if project_name == 'headwater' else headwater._sync_schema()) }}
{%- endmacro %}
