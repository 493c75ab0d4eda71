{#- Value: the checked survivorship of one entity, from `vars: cdp_survivorship` and what its sources of records say of
    themselves (`record_sources`):
    {sources: [{source_name, model, record_key, columns: {attribute: column}}],
     attributes: [{name, rules, type, identifier, follows, ranks: {source_name: 1 is the most trusted}}]}.
    Sources rank as the registry has them. Anything wrong stops here, with where it is and what is allowed. -#}
{% macro survivorship_rules(entity) -%}
    {%- set where = "vars: cdp_survivorship." ~ entity -%}
    {%- set configured = headwater.setting('cdp_survivorship').get(entity) or {} -%}
    {%- for key in configured if key != 'attributes' -%}
        {%- do headwater._survivorship_error(where, 'key', key, ['attributes']) -%}
    {%- endfor -%}
    {%- set declared_attributes = configured.get('attributes') or {} -%}
    {%- set names = declared_attributes | list -%}
    {%- set sources = [] -%}
    {%- for record in headwater.record_sources(entity) if record.attributes -%}
        {%- for name in record.attributes if name not in names -%}
            {%- do headwater._survivorship_error('records of ' ~ entity ~ ', ' ~ record.source_name, 'attribute', name, names) -%}
        {%- endfor -%}
        {%- do sources.append({
            'source_name': record.source_name, 'model': record.model, 'record_key': record.record_key, 'merged_into': record.merged_into,
            'columns': record.attributes
        }) -%}
    {%- endfor -%}
    {%- set attributes = [] -%}
    {%- for name, given in declared_attributes.items() -%}
        {%- set declared = given if given is mapping else {'rule': given} -%}
        {%- do attributes.append(headwater._survivorship_attribute(entity, name, declared, declared_attributes, sources)) -%}
    {%- endfor -%}
    {{ return({'sources': sources, 'attributes': attributes}) }}
{%- endmacro %}

{% macro _survivorship_attribute(entity, name, declared, attributes, sources) -%}
    {%- set where = "vars: cdp_survivorship." ~ entity ~ ".attributes." ~ name -%}
    {%- set allowed = ['rule', 'type', 'identifier', 'follows', 'sources'] -%}
    {%- for key in declared if key not in allowed -%}
        {%- do headwater._survivorship_error(where, 'key', key, allowed) -%}
    {%- endfor -%}
    {%- if not modules.re.match('^[a-z][a-z0-9_]*$', name) -%}
        {%- do headwater.stop_setting(where ~ ": a name is a column: lower case letters, digits and underscores.") -%}
    {%- endif -%}
    {%- set types = ['string', 'integer', 'float', 'boolean', 'date', 'timestamp'] -%}
    {%- if declared.get('type', 'string') not in types -%}
        {%- do headwater._survivorship_error(where, 'type', declared['type'], types) -%}
    {%- endif -%}
    {%- set giving = sources | selectattr('columns.' ~ name, 'defined') | map(attribute='source_name') | list -%}
    {%- if sources and not giving -%}
        {{ headwater.stop_setting(where ~ ": no source gives it; name it under `attributes` of a source's record, or take it out.") }}
    {%- endif -%}
    {%- for source in declared.get('sources', []) if sources and source not in giving -%}
        {%- do headwater._survivorship_error(where, 'source', source, giving) -%}
    {%- endfor -%}
    {%- for source in giving if declared.get('sources') and source not in declared['sources'] -%}
        {%- do headwater._survivorship_error(where ~ '.sources', 'source (which gives it)', source, declared['sources']) -%}
    {%- endfor -%}
    {%- set identifiers = ((headwater.setting('cdp_identity').get(entity) or {}).get('identifiers') or {}) | list -%}
    {%- if declared.get('identifier') and declared['identifier'] not in identifiers -%}
        {%- do headwater.stop_setting(
            where ~ ": identifier '" ~ declared['identifier'] ~ "' is not one of " ~ (identifiers | join(', ') or 'none, for cdp_identity has no ' ~ entity)
            ~ (headwater.nearest(declared['identifier'], identifiers) or '.')
            ~ " Where you have no vars: cdp_survivorship, the package's holds: write yours, or {} for no golden attribute (docs/adopt.md, 4)."
        ) -%}
    {%- endif -%}
    {%- set ranks = {} -%}
    {%- for source in declared.get('sources') or giving -%}
        {%- do ranks.update({source: loop.index}) -%}
    {%- endfor -%}
    {{ return({
        'name': name,
        'rules': headwater._survivorship_order_of_rules(where, declared, attributes),
        'type': declared.get('type', 'string'),
        'identifier': declared.get('identifier'),
        'follows': declared.get('follows'),
        'ranks': ranks,
    }) }}
{%- endmacro %}

{#- Value: the rules of one attribute, each breaking the ties of the one before; none for one that follows another. -#}
{% macro _survivorship_order_of_rules(where, declared, attributes) -%}
    {%- set leaders = [] -%}
    {%- for name, given in attributes.items() if given is not mapping or not given.get('follows') -%}
        {%- do leaders.append(name) -%}
    {%- endfor -%}
    {%- if declared.get('follows') -%}
        {%- if declared['follows'] not in leaders or declared.get('rule') -%}
            {%- do headwater._survivorship_error(where, 'follows (instead of a rule)', declared['follows'], leaders) -%}
        {%- endif -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set rules = [declared.get('rule')] if declared.get('rule') is string else (declared.get('rule') or [none]) -%}
    {%- set known = ['most_recent', 'first', 'most_frequent', 'source_priority', 'min', 'max', 'valid'] -%}
    {%- for rule in rules if rule not in known -%}
        {%- do headwater._survivorship_error(where, 'rule', rule, known) -%}
    {%- endfor -%}
    {{ return(rules) }}
{%- endmacro %}

{% macro _survivorship_error(where, what, got, allowed) -%}
    {%- do headwater.stop_setting(
        where ~ ": " ~ what ~ " '" ~ got ~ "' is not one of " ~ (allowed | join(', ') or 'none, for there are none') ~ (headwater.nearest(got, allowed) or '.')
    ) -%}
{%- endmacro %}
