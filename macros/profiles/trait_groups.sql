{#- Value: the groups of traits of people (`traits`), companies (`account_traits`) or people in product lines (`product_line_traits`)
    as the registry names them: a list of {model, columns: {name: data_type}, has, when_absent: {name: expression}}. A trait is a column
    of the group's contract, or, where it has none, of its table; `columns` has neither the key nor what several groups may tell
    (first_activity_at and last_activity_at of product lines, which `has` names). `when_absent` is what a column says, in its
    `config: meta`, that a row has of which the group knows nothing. A name that two groups use stops here, for one would hide the other. -#}
{% macro trait_groups(kind) -%}
    {%- set keys = {'traits': ['profile_id'], 'account_traits': ['account_id'], 'product_line_traits': ['profile_id', 'product_line']}[kind] -%}
    {%- set shared = ['first_activity_at', 'last_activity_at'] if kind == 'product_line_traits' else [] -%}
    {%- set groups = [] -%}
    {%- set seen = {} -%}
    {%- for model in headwater.registry(kind) -%}
        {%- set columns = headwater.model_column_types(kind, model) -%}
        {%- for key in keys if columns and key not in columns -%}
            {%- do headwater._registry_error('.' ~ kind, "'" ~ model ~ "' has no column " ~ key ~ ', the key of such a group') -%}
        {%- endfor -%}
        {%- set has = shared | select('in', columns) | list -%}
        {%- for key in keys + shared -%}
            {%- do columns.pop(key, none) -%}
        {%- endfor -%}
        {%- for column in columns -%}
            {%- if column in seen -%}
                {%- do headwater._registry_error('.' ~ kind, "'" ~ seen[column] ~ "' and '" ~ model ~ "' both have a trait '" ~ column ~ "'; rename one") -%}
            {%- endif -%}
            {%- do seen.update({column: model}) -%}
        {%- endfor -%}
        {%- do groups.append({'model': model, 'columns': columns, 'has': has, 'when_absent': headwater._when_absent(kind, model, columns)}) -%}
    {%- endfor -%}
    {{ return(groups) }}
{%- endmacro %}

{#- Value: {name: expression} of a group's columns that say what a row has of which the group knows nothing: `config: {meta: {when_absent: 0}}`. -#}
{% macro _when_absent(kind, name, columns) -%}
    {%- set found = {} -%}
    {%- for column in (headwater.registered_node(kind, name).columns or {}).values() -%}
        {%- set meta = (column.config or {}).get('meta') or column.meta or {} -%}
        {%- if 'when_absent' in meta -%}
            {%- set value = meta['when_absent'] -%}
            {%- if column.name not in columns or not (value is number or value is string) -%}
                {%- do headwater._registry_error('.' ~ kind, "'" ~ name ~ "', column " ~ column.name ~ ': when_absent is a number, a text, true or false, of a trait') -%}
            {%- endif -%}
            {%- do found.update({column.name: headwater.string_literal(value) if value is string else value | string | lower}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: {name: data_type} of the columns that `profiles` (person) or `accounts` (account) has: their own, the golden
    attributes and the traits. -#}
{% macro entity_columns(entity) -%}
    {%- set columns = {} -%}
    {%- if entity == 'person' -%}
        {%- do columns.update({'profile_id': 'string', 'joined_by': 'string', 'record_count': 'integer', 'source_count': 'integer'}) -%}
    {%- else -%}
        {%- do columns.update({'account_id': 'string', 'domain': 'string', 'record_count': 'integer', 'contact_count': 'integer'}) -%}
    {%- endif -%}
    {%- do columns.update({'first_seen_at': 'timestamp', 'last_seen_at': 'timestamp'}) -%}
    {%- for attribute in headwater.survivorship_rules(entity).attributes -%}
        {%- do columns.update({attribute.name: attribute.type, attribute.name ~ '_source': 'string'}) -%}
    {%- endfor -%}
    {%- for group in headwater.trait_groups('traits' if entity == 'person' else 'account_traits') -%}
        {%- do columns.update(group.columns) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
