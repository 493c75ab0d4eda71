{#- Value: var `cdp_matching`, checked, with its defaults: a list of entities
    {name, kinds, records: [{source_name, model, record_key, columns}], rules, households}, and the thresholds. -#}
{% macro matching_settings() -%}
    {%- set given = headwater.setting('cdp_matching') -%}
    {%- set known = headwater.matching_kind_names() -%}
    {%- set settings = {
        'accept': given.get('accept', 0.95), 'strong': given.get('strong', 0.999), 'review': given.get('review', 0.5),
        'max_block_records': given.get('max_block_records', 200), 'entities': []
    } -%}
    {%- if settings.review <= 0 or settings.review > settings.accept or settings.accept > settings.strong or settings.strong >= 1 -%}
        {%- do headwater._matching_error('review, accept, strong', 'need 0 < review <= accept <= strong < 1, got ' ~ settings.review ~ ', ' ~ settings.accept ~ ', ' ~ settings.strong) -%}
    {%- endif -%}
    {%- set entities = given.get('entities') or (headwater.setting('cdp_identity') | list) -%}
    {%- for name in entities -%}
        {%- set present = [] -%}
        {%- set records = headwater._matching_sources(name, entities[name] if entities is mapping else {}) -%}
        {%- for record in records -%}
            {%- for kind in record.columns -%}
                {%- if kind not in known and kind != 'full_name' -%}
                    {%- do headwater._matching_error(name ~ ', ' ~ record.source_name, "'" ~ kind ~ "' is no kind; kinds are " ~ (known + ['full_name']) | join(', ')) -%}
                {%- endif -%}
                {%- do present.extend([kind] if kind != 'full_name' else ['first_name', 'last_name']) -%}
            {%- endfor -%}
        {%- endfor -%}
        {#- Every rule, also one whose kinds no record has: which records there are is not known while dbt parses. -#}
        {%- set rules = headwater.matching_blocking_rules() -%}
        {%- set usable = [] -%}
        {%- for rule in rules -%}
            {%- set absent = headwater.matching_rule_kinds(rule) | reject('in', present) | list -%}
            {%- if not absent -%}{%- do usable.append(rule) -%}{%- endif -%}
        {%- endfor -%}
        {%- if records and not usable -%}
            {%- do headwater._matching_error(name, 'its columns are of too few kinds to find candidates by') -%}
        {%- endif -%}
        {#- People live together and share an address; companies and things do not, unless told. -#}
        {%- set told = (entities[name] or {}) if entities is mapping else {} -%}
        {%- do settings.entities.append({
            'name': name, 'records': records, 'rules': rules, 'households': told.get('households', name == 'person') | as_bool
        }) -%}
    {%- endfor -%}
    {{ return(settings) }}
{%- endmacro %}

{#- Value: the records of an entity that take part, {source_name, model, record_key, columns, deduplicated}: those whose sources
    say `matching:`, or those that the setting spells out itself. -#}
{% macro _matching_sources(name, spelt_out) -%}
    {%- set records = [] -%}
    {%- if spelt_out and spelt_out.get('records') -%}
        {%- for record in spelt_out['records'] -%}
            {%- for key in ['source_name', 'model', 'record_key', 'columns'] if key not in record -%}
                {%- do headwater._matching_error(name ~ '.records', 'entry ' ~ loop.index ~ ' lacks ' ~ key) -%}
            {%- endfor -%}
            {%- do records.append(record) -%}
        {%- endfor -%}
    {%- else -%}
        {%- for source in headwater.record_sources(name) if source.matching -%}
            {%- do records.append({
                'source_name': source.source_name, 'model': source.model, 'record_key': source.record_key, 'columns': headwater._by_kind(name, source.matching)
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(records) }}
{%- endmacro %}

{#- Value: columns of an entity's record by their kind: what is an attribute of another name is of the kind that the attribute says. -#}
{% macro _by_kind(entity, columns) -%}
    {%- set attributes = (headwater.setting('cdp_identity').get(entity) or {}).get('attributes') or {} -%}
    {%- set kinds = {} -%}
    {%- for name, column in columns.items() -%}
        {%- do kinds.update({(attributes.get(name) or {}).get('kind', name): column}) -%}
    {%- endfor -%}
    {{ return(kinds) }}
{%- endmacro %}

{% macro _matching_error(where, message) -%}
    {%- do headwater.stop_setting('vars: cdp_matching: ' ~ where ~ ': ' ~ message ~ '. See docs/matching.md.') -%}
{%- endmacro %}

{#- Adds the names of entities that nobody declared. -#}
{% macro note_matched_entities(problems) -%}
    {%- set given = var('cdp_matching', none) -%}
    {%- set identity = var('cdp_identity', none) -%}
    {%- set identity = identity | list if identity is mapping else [] -%}
    {%- set entities = (given.get('entities') or []) if given is mapping else [] -%}
    {%- for name in ([] if entities is string or entities is not iterable else entities) if name is string and name not in identity -%}
        {%- do problems.append("vars: cdp_matching.entities: '" ~ name ~ "' is not one of " ~ identity | join(', ') ~ (headwater.nearest(name, identity) or '.')
            ~ ' They stand in vars: cdp_identity.') -%}
    {%- endfor -%}
{%- endmacro %}

{#- Adds what is wrong with the kinds of the project's own: one is a column of the engine's, so it is called as no other is. -#}
{% macro note_declared_kinds(problems) -%}
    {%- set declared = headwater.matching_declared_kinds() -%}
    {%- set taken = headwater.matching_shipped_kinds() + ['full_name', 'entity', 'record_key', 'source_name', 'is_deduplicated', 'prior', 'household'] -%}
    {%- for name, told in declared.items() -%}
        {%- set where = 'vars: cdp_matching.kinds.' ~ name ~ ': ' -%}
        {%- if name in taken -%}
            {%- do problems.append(where ~ 'a kind of that name ships, or a column of the engine: call it otherwise.') -%}
        {%- elif not modules.re.fullmatch('[a-z][a-z0-9_]*', name) -%}
            {%- do problems.append(where ~ 'that is no name of a kind: lower-case letters, digits and _ are.') -%}
        {%- elif name in headwater.reserved_words() -%}
            {%- do problems.append(where ~ 'a word that warehouses read as their own: call it otherwise, such as ' ~ name ~ '_text.') -%}
        {%- endif -%}
        {%- if told.compared_as is none -%}
            {%- if var('cdp_matching').kinds[name] is none -%}
                {%- do problems.append(where ~ 'is empty. Say as what it is compared: ' ~ headwater.matching_likeness_names() | join(', ') ~ '.') -%}
            {%- endif -%}
        {%- elif told.compared_as not in headwater.matching_likeness_names() -%}
            {%- do problems.append(where ~ "'" ~ told.compared_as ~ "' is not one of " ~ headwater.matching_likeness_names() | join(', ')
                ~ (headwater.nearest(told.compared_as | string, headwater.matching_likeness_names()) or '.') ~ ' It is how values of the kind are compared.') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if headwater.matching_blocking_rules() | length > 60 -%}
        {%- do problems.append('vars: cdp_matching.kinds: ' ~ declared | length ~ ' kinds are too many: the numbers of their rules must fit into one.') -%}
    {%- endif -%}
{%- endmacro %}
