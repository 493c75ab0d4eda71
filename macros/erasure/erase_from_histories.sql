{#- Statements for on-run-end: takes out of every table that outlives a build (memberships, journeys' logs, the history of ids, a team's own) what is about ids
    of erased people. An id is erased when no record bears it any more and a request names it, so that it happens in the build that took
    the records out, and again should anything be left. -#}
{% macro erase_from_histories() -%}
    {%- if execute and headwater._dbt_runs_nodes() -%}
        {%- set requests = adapter.get_relation(
            database=target.database, schema=headwater._sync_schema(), identifier='erasure_requests'
        ) -%}
        {%- set aliases = headwater._present_relation(headwater.node_named('identity_aliases')) -%}
        {%- set histories = headwater._histories() -%}
        {%- if requests and aliases -%}
            {#- Ends the transaction that looking began, which a hook rolls back: what follows stays. -#}
            {%- do adapter.create_schema(api.Relation.create(database=target.database, schema=headwater._sync_schema())) -%}
            {%- set erased = headwater._erased_ids(requests, aliases) -%}
            {%- if run_query('select count(*) as found from (' ~ erased ~ ') as erased').rows[0].values()[0] | int -%}
                {%- for relation in histories -%}
                    {%- do headwater._erase_rows(relation, erased) -%}
                {%- endfor -%}
                {%- do headwater._erase_record_keys(erased) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Value: the tables that outlive a build, whoever wrote their models; those that say which id became which have nothing else of
    anybody but what a record was called, which is taken out of them. -#}
{% macro _histories() -%}
    {%- set found = [] -%}
    {%- set ids = ['identity_aliases', 'identity_assignments'] -%}
    {%- for node in graph.nodes.values() if node.resource_type in ['model', 'snapshot'] -%}
        {%- if node.config.materialized in ['incremental', 'snapshot'] and not (node.package_name == 'headwater' and node.name in ids) -%}
            {%- set relation = headwater._present_relation(node) -%}
            {%- if relation -%}{%- do found.append(relation) -%}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Query: ids of people, one a row, that no record bears and that a request of this environment erases. -#}
{% macro _erased_ids(requests, aliases) -%}
    {%- set mine = "environment in ('live', " ~ headwater.cdp_environment() ~ ") and scope = 'erase' and identifier_type = 'profile_id'" -%}
    select aliases.old_id
    from {{ aliases }} as aliases
    cross join (select distinct salt from {{ requests }} where {{ mine }}) as salts
    inner join (select salt, identifier_value_sha256 from {{ requests }} where {{ mine }}) as requests
        on salts.salt = requests.salt
        and requests.identifier_value_sha256 = {{ headwater.erasure_hash('salts.salt', 'aliases.old_id') }}
    where aliases.entity = 'person' and aliases.live_id is null
{%- endmacro %}

{#- Statement: deletes the rows of a relation that hold one of the ids, where there are any. -#}
{% macro _erase_rows(relation, erased) -%}
    {%- for column in headwater._column_names(relation) if column in ['profile_id', 'entity_id', 'other_id'] -%}
        {%- set theirs = relation ~ ' where ' ~ column ~ ' in (' ~ erased ~ ')' -%}
        {%- if run_query('select count(*) as found from ' ~ theirs).rows[0].values()[0] | int -%}
            {%- do run_query('delete from ' ~ theirs) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Statement: ids stay given for ever, and what their records were called goes, which may be an address. -#}
{% macro _erase_record_keys(erased) -%}
    {%- set assignments = headwater._present_relation(headwater.node_named('identity_assignments')) -%}
    {%- if assignments -%}
        {#- A record may be of a company and a household too. -#}
        {%- set theirs -%}
            where not is_present and record_key in (
                select record_key from {{ assignments }}
                where entity = 'person' and not is_present and record_key is not null and entity_id in ({{ erased }})
            )
        {%- endset -%}
        {%- if run_query('select count(*) as found from ' ~ assignments ~ ' ' ~ theirs).rows[0].values()[0] | int -%}
            {%- do run_query('update ' ~ assignments ~ ' set record_key = null ' ~ theirs) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Relation: that of a model where the warehouse has it as a table; else none. -#}
{% macro _present_relation(node) -%}
    {%- set found = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias or node.name) if node else none -%}
    {{ return(found if found and not found.is_view else none) }}
{%- endmacro %}
