{#- Value: the sources of records of one entity: a list of {model, source_name, record_key, first_seen_at, last_seen_at,
    deleted_when, merged_into, needs_identifier, identifiers, attributes, matching, role, job_title}, the most trusted first.
    They are the registered models whose `config: meta: record:` has this entity, then those that `vars: cdp_identity` spells
    out itself. While dbt parses, the registered ones are not known yet: `ref_records` makes the edges. -#}
{% macro record_sources(entity) -%}
    {%- set sources = [] -%}
    {%- if headwater.knows_graph() -%}
        {%- for model in headwater.registry('records') -%}
            {%- set node = headwater.registered_node('records', model) -%}
            {%- set record = (node.config.get('meta') or {}).get('record') -%}
            {%- do headwater._check_record(node, record) -%}
            {%- if entity in record -%}
                {%- do sources.append(headwater._record_source(model, record, record[entity])) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for given in (headwater.setting('cdp_identity').get(entity) or {}).get('records') or [] -%}
        {%- do sources.append(headwater._record_source(given['model'], dict(given, key=given['record_key']), given)) -%}
    {%- endfor -%}
    {{ return(sources) }}
{%- endmacro %}

{#- Nothing; while dbt parses, makes every registered model of records a parent of the model. -#}
{% macro ref_records() -%}
    {%- for model in headwater.registry('records') if not execute -%}
        {%- do headwater.model_ref(model) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _record_source(model, record, facts) -%}
    {{ return({
        'model': model,
        'source_name': record.get('source_name') or headwater._default_source_name(model),
        'record_key': record['key'],
        'first_seen_at': record.get('first_seen_at'),
        'last_seen_at': record.get('last_seen_at'),
        'deleted_when': record.get('deleted_when'),
        'merged_into': record.get('merged_into'),
        'needs_identifier': facts.get('needs_identifier', false),
        'identifiers': headwater._columns_by_name(facts.get('identifiers') or {}),
        'attributes': headwater._columns_by_name(facts.get('attributes') or {}),
        'matching': headwater._columns_by_name(facts.get('matching') or {}),
        'role': facts.get('role'),
        'job_title': facts.get('job_title'),
    }) }}
{%- endmacro %}

{#- Expression: the key of the record that a record was merged into at its source, and null where it was not; `null` where the source does not say. -#}
{% macro record_merged_into(source) -%}
    {%- if not source.merged_into -%}
        {{ return('cast(null as ' ~ dbt.type_string() ~ ')') }}
    {%- endif -%}
    {%- set text = 'nullif(trim(cast(' ~ source.merged_into ~ ' as ' ~ dbt.type_string() ~ ")), '')" -%}
    {{ return('nullif(' ~ text ~ ', cast(' ~ source.record_key ~ ' as ' ~ dbt.type_string() ~ '))') }}
{%- endmacro %}

{#- Expression: whether a source's row is a record: it has a key, and was not deleted, unless it was merged into another. -#}
{% macro record_is_kept(source) -%}
    {%- set conditions = [source.record_key ~ ' is not null'] -%}
    {%- if source.deleted_when -%}
        {%- do conditions.append(
            '(' ~ headwater.record_merged_into(source) ~ ' is not null or not ' ~ headwater.record_is_deleted(source) ~ ')'
        ) -%}
    {%- endif -%}
    {{ return(conditions | join(' and ')) }}
{%- endmacro %}

{#- Expression: whether a source says that it deleted a row. -#}
{% macro record_is_deleted(source) -%}
    {{ return('coalesce(cast(' ~ (source.deleted_when or 'false') ~ ' as ' ~ dbt.type_boolean() ~ '), false)') }}
{%- endmacro %}

{#- Value: the name of a registered model's records, as in `<source_name>:<id>`. -#}
{% macro source_name_of(kind, model) -%}
    {%- set node = headwater.registered_node(kind, model) -%}
    {%- set record = ((node.config or {}).get('meta') or {}).get('record') or {} -%}
    {{ return(record.get('source_name') or headwater._default_source_name(model)) }}
{%- endmacro %}

{% macro _default_source_name(model) -%}
    {{ return(modules.re.sub('^stg_', '', model).replace('__', '_')) }}
{%- endmacro %}

{#- Value: {name: column or {column, ...}} of a list of names and {name: column}, or of such a mapping. -#}
{% macro _columns_by_name(given) -%}
    {%- set columns = {} -%}
    {%- for one in ([given] if given is mapping else given) -%}
        {%- do columns.update(one if one is mapping else {one: one}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{% macro _check_record(node, record) -%}
    {%- set where = node.original_file_path ~ ', config: meta: record' -%}
    {%- set shared = ['source_name', 'key', 'first_seen_at', 'last_seen_at', 'deleted_when', 'merged_into'] -%}
    {%- set entities = headwater.setting('cdp_identity') | list -%}
    {%- if record is not mapping -%}
        {%- do headwater._record_error(where, "is missing, though the registry names '" ~ node.name ~ "' under records") -%}
    {%- endif -%}
    {%- for key in record if key not in shared + entities -%}
        {%- do headwater._record_error(where, "'" ~ key ~ "' is not one of " ~ (shared + entities) | join(', ') ~ headwater.nearest(key, shared + entities)) -%}
    {%- endfor -%}
    {%- if not record.get('key') -%}
        {%- do headwater._record_error(where, "key is missing: the column that names a record") -%}
    {%- endif -%}
    {%- set columns = node.columns | list -%}
    {%- for key in ['key', 'first_seen_at', 'last_seen_at', 'deleted_when', 'merged_into'] -%}
        {%- do headwater._check_record_column(where ~ '.' ~ key, record.get(key), columns) -%}
    {%- endfor -%}
    {%- set allowed = ['identifiers', 'attributes', 'matching', 'needs_identifier', 'role', 'job_title'] -%}
    {%- for entity in entities if entity in record -%}
        {%- if record[entity] is not mapping -%}
            {%- do headwater._record_error(where ~ '.' ~ entity, 'is no mapping of ' ~ allowed | join(', ')) -%}
        {%- endif -%}
        {%- for key in record[entity] if key not in allowed -%}
            {%- do headwater._record_error(where ~ '.' ~ entity, "'" ~ key ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(key, allowed)) -%}
        {%- endfor -%}
        {%- for key in ['identifiers', 'attributes', 'matching'] -%}
            {%- for name, column in headwater._columns_by_name(record[entity].get(key) or {}).items() -%}
                {%- do headwater._check_record_column(where ~ '.' ~ entity ~ '.' ~ key ~ '.' ~ name, column.get('column') if column is mapping else column, columns) -%}
                {%- if column is mapping -%}
                    {%- do headwater._check_record_column(where ~ '.' ~ entity ~ '.' ~ key ~ '.' ~ name ~ '.disposable_when', column.get('disposable_when'), columns) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for key in ['role', 'job_title'] -%}
            {%- do headwater._check_record_column(where ~ '.' ~ entity ~ '.' ~ key, record[entity].get(key), columns) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- Nothing, or an error for a name that the model's described columns do not have; an expression is taken as it is. -#}
{% macro _check_record_column(where, column, columns) -%}
    {%- if column is not none and column is string and columns and column not in columns and modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', column) -%}
        {%- do headwater._record_error(where, "'" ~ column ~ "' is no described column of the model; those are " ~ columns | join(', ') ~ headwater.nearest(column, columns)) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _record_error(where, message) -%}
    {{ exceptions.raise_compiler_error(where ~ ': ' ~ message ~ '. See docs/add-a-source.md.') }}
{%- endmacro %}
