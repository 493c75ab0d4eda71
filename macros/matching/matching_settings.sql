{#- Value: var `cdp_matching`, checked, with its defaults: a list of entities
    {name, kinds, records: [{source_name, model, record_key, columns}], rules}, and the thresholds. -#}
{% macro matching_settings() -%}
    {%- set given = var('cdp_matching', {}) or {} -%}
    {%- set known = headwater.matching_kinds().keys() | list -%}
    {%- set settings = {
        'accept': given.get('accept', 0.95), 'strong': given.get('strong', 0.999), 'review': given.get('review', 0.5),
        'max_block_records': given.get('max_block_records', 200), 'entities': []
    } -%}
    {%- if not 0 < settings.review <= settings.accept <= settings.strong < 1 -%}
        {%- do headwater._matching_error('review, accept, strong', 'need 0 < review <= accept <= strong < 1, got ' ~ settings.review ~ ', ' ~ settings.accept ~ ', ' ~ settings.strong) -%}
    {%- endif -%}
    {%- for name, entity in (given.get('entities') or {}).items() -%}
        {%- set present = [] -%}
        {%- for record in entity.get('records', []) -%}
            {%- for key in ['source_name', 'model', 'record_key', 'columns'] if key not in record -%}
                {%- do headwater._matching_error(name ~ '.records', 'entry ' ~ loop.index ~ ' lacks ' ~ key) -%}
            {%- endfor -%}
            {%- for kind in record.columns -%}
                {%- if kind not in known and kind != 'full_name' -%}
                    {%- do headwater._matching_error(name ~ '.columns', "'" ~ kind ~ "' is no kind; kinds are " ~ (known + ['full_name']) | join(', ')) -%}
                {%- endif -%}
                {%- do present.extend([kind] if kind != 'full_name' else ['first_name', 'last_name']) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set rules = [] -%}
        {%- for rule in headwater.matching_blocking_rules() -%}
            {%- set absent = [] -%}
            {%- for kind in headwater.matching_rule_kinds(rule) if kind not in present -%}{%- do absent.append(kind) -%}{%- endfor -%}
            {%- if not absent -%}{%- do rules.append(rule) -%}{%- endif -%}
        {%- endfor -%}
        {%- if not rules -%}
            {%- do headwater._matching_error(name, 'its columns are of too few kinds to find candidates by') -%}
        {%- endif -%}
        {%- do settings.entities.append({'name': name, 'records': entity.records, 'rules': rules}) -%}
    {%- endfor -%}
    {%- if given.get('enabled', false) and not settings.entities -%}
        {%- do headwater._matching_error('entities', 'is empty') -%}
    {%- endif -%}
    {{ return(settings) }}
{%- endmacro %}

{% macro _matching_error(where, message) -%}
    {{ exceptions.raise_compiler_error('vars: cdp_matching: ' ~ where ~ ': ' ~ message ~ '. See docs/matching.md.') }}
{%- endmacro %}
