{#- Value: the groups of traits of people (`traits`) or companies (`account_traits`) as the registry names them: a list of
    {model, columns: {name: data_type}}, the key left out. A trait is a column of the group's contract, or, where it has none,
    of its table. A name that two groups use stops here, for one would hide the other. -#}
{% macro trait_groups(kind) -%}
    {%- set key = {'traits': 'profile_id', 'account_traits': 'account_id'}[kind] -%}
    {%- set groups = [] -%}
    {%- set seen = {} -%}
    {%- for model in headwater.registry(kind) -%}
        {%- set columns = headwater.model_column_types(kind, model) -%}
        {%- if columns and key not in columns -%}
            {%- do headwater._registry_error('.' ~ kind, "'" ~ model ~ "' has no column " ~ key ~ ', the key of such a group') -%}
        {%- endif -%}
        {%- for column in columns if column != key -%}
            {%- if column in seen -%}
                {%- do headwater._registry_error('.' ~ kind, "'" ~ seen[column] ~ "' and '" ~ model ~ "' both have a trait '" ~ column ~ "'; rename one") -%}
            {%- endif -%}
            {%- do seen.update({column: model}) -%}
        {%- endfor -%}
        {%- do columns.pop(key, none) -%}
        {%- do groups.append({'model': model, 'columns': columns}) -%}
    {%- endfor -%}
    {{ return(groups) }}
{%- endmacro %}

{#- Value: {name: data_type} of the columns that `profiles` (person) or `accounts` (account) has: their own, the golden
    attributes and the traits. -#}
{% macro entity_columns(entity) -%}
    {%- set columns = {} -%}
    {%- if entity == 'person' -%}
        {%- do columns.update({'profile_id': 'string', 'record_count': 'integer', 'source_count': 'integer'}) -%}
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
