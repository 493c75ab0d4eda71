{#- Value: the sources of consent with every default filled in, a list: the registered models whose `config: meta: consent:` says what
    their columns mean, then those that `vars: cdp_consent_sources` spells out itself. Wrong ones stop the run: docs/consent.md. -#}
{% macro consent_sources() -%}
    {%- set sources = [] -%}
    {%- set spelt_out = var('cdp_consent_sources', []) or [] -%}
    {%- if spelt_out is string or spelt_out is mapping or spelt_out is not iterable -%}
        {{ headwater.consent_error('cdp_consent_sources', 'wants a list of sources') }}
    {%- endif -%}
    {%- set registered = headwater._registered_consent_sources() -%}
    {%- for source in registered + spelt_out -%}
        {%- set where = 'cdp_consent_sources[' ~ (loop.index0 - registered | length) ~ ']' if loop.index0 >= registered | length else source.model ~ ', config: meta: consent' -%}
        {%- do headwater._check_consent_source(where, source, sources | map(attribute='name') | list) -%}
        {%- do sources.append({
            'name': source['name'],
            'model': source['model'],
            'key': source['key'],
            'records': source.get('records'),
            'record': source.get('record') or source['key'],
            'email': source.get('email'),
            'phone': source.get('phone'),
            'channel': source['channel'],
            'purpose': source['purpose'],
            'answer': source['answer'],
            'basis': source.get('basis'),
            'origin': source.get('origin'),
            'recorded_at': source.get('recorded_at'),
            'loaded_at': source.get('loaded_at'),
            'confirmed_at': source.get('confirmed_at'),
            'expires_at': source.get('expires_at'),
            'expires_after_days': source.get('expires_after_days'),
            'by_guardian': source.get('by_guardian', false),
            'may_only_lower': source.get('may_only_lower', true),
            'raising_origins': source.get('raising_origins'),
        }) -%}
    {%- endfor -%}
    {{ return(sources) }}
{%- endmacro %}

{#- Value: what registered models say of themselves, as cdp_consent_sources would. A model may hold several answers a row: a list. -#}
{% macro _registered_consent_sources() -%}
    {%- set sources = [] -%}
    {%- set records = headwater.registry('records') -%}
    {%- for model in headwater.registry('consents') if headwater.knows_graph() -%}
        {%- set meta = headwater.registered_node('consents', model).config.get('meta') or {} -%}
        {%- set facts = meta.get('consent') -%}
        {%- if not facts -%}
            {{ headwater.consent_error(model ~ ', config: meta: consent', "is missing, though the registry names '" ~ model ~ "' under consents") }}
        {%- endif -%}
        {%- for one in ([facts] if facts is mapping else facts) -%}
            {%- set name = headwater.source_name_of('consents', model) -%}
            {%- set defaults = {'model': model, 'name': name, 'key': (meta.get('record') or {}).get('key')} -%}
            {%- if model in records -%}
                {%- do defaults.update({'records': name}) -%}
            {%- endif -%}
            {%- do sources.append(dict(defaults, **one)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(sources) }}
{%- endmacro %}

{% macro _check_consent_source(where, source, taken) -%}
    {%- set allowed = [
        'name', 'model', 'key', 'records', 'record', 'email', 'phone', 'channel', 'purpose', 'answer', 'basis', 'origin', 'recorded_at',
        'loaded_at', 'confirmed_at', 'expires_at', 'expires_after_days', 'by_guardian', 'may_only_lower', 'raising_origins',
    ] -%}
    {%- if source is not mapping -%}
        {{ headwater.consent_error(where, "wants " ~ allowed | join(', ') ~ ", not '" ~ source ~ "'") }}
    {%- endif -%}
    {%- for key in source -%}
        {%- do headwater.check_consent_word(where, key, allowed) -%}
    {%- endfor -%}
    {%- for key in ['name', 'model', 'key', 'channel', 'purpose', 'answer'] if not source.get(key) -%}
        {{ headwater.consent_error(where, "needs '" ~ key ~ "'") }}
    {%- endfor -%}
    {%- do headwater.check_consent_name(where ~ '.name', source['name'], taken) -%}
    {%- if not source.get('email') and not source.get('phone') and not source.get('records') -%}
        {{ headwater.consent_error(where, "needs 'email', 'phone' or 'records': whose answers these are") }}
    {%- endif -%}
    {%- if source.get('record') and not source.get('records') -%}
        {{ headwater.consent_error(where ~ '.record', "is the key of a record, and 'records' says of which source") }}
    {%- endif -%}
    {%- for key in ['email', 'phone'] if source.get(key) -%}
        {%- do headwater.check_consent_identifier(where ~ '.' ~ key, key) -%}
    {%- endfor -%}
    {%- set records = headwater.record_sources('person') | map(attribute='source_name') | list -%}
    {%- if source.get('records') and (headwater.knows_graph() or not headwater.registry('records')) -%}
        {%- do headwater.check_consent_word(where ~ '.records', source['records'], records) -%}
    {%- endif -%}
    {%- for key, words in {'channel': headwater.consent_channels() | list, 'purpose': headwater.consent_purposes()}.items() -%}
        {%- set told = source[key] -%}
        {%- if told is mapping -%}
            {%- do headwater._check_only(where ~ '.' ~ key, told, ['column']) -%}
        {%- else -%}
            {%- do headwater.check_consent_word(where ~ '.' ~ key, told, words + ['all']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set answer = source['answer'] -%}
    {%- if answer is mapping -%}
        {%- do headwater._check_only(where ~ '.answer', answer, ['state', 'accepts', 'refuses']) -%}
    {%- elif answer != 'refused' -%}
        {{ headwater.consent_error(where ~ '.answer', "wants {state: column}, {accepts: column}, {refuses: column}, or refused where every row is a no, not '" ~ answer ~ "'") }}
    {%- endif -%}
    {%- set says_yes = answer is mapping and 'refuses' not in answer -%}
    {%- for key in ['confirmed_at', 'expires_at', 'expires_after_days', 'by_guardian'] if key in source and not says_yes -%}
        {{ headwater.consent_error(where ~ '.' ~ key, 'is about a yes, and every answer here is a no') }}
    {%- endfor -%}
    {%- set days = source.get('expires_after_days') -%}
    {%- if days is not none and (days is boolean or days is not integer or days < 1) -%}
        {{ headwater.consent_error(where ~ '.expires_after_days', "wants a whole number of days, not '" ~ days ~ "'") }}
    {%- endif -%}
    {%- set guardian = source.get('by_guardian', false) -%}
    {%- if guardian is mapping -%}
        {%- do headwater._check_only(where ~ '.by_guardian', guardian, ['column']) -%}
    {%- elif guardian is not boolean -%}
        {{ headwater.consent_error(where ~ '.by_guardian', "is true, false or {column: ...}, not '" ~ guardian ~ "'") }}
    {%- endif -%}
    {%- if source.get('may_only_lower', true) not in [true, false] or source.get('may_only_lower', true) is not boolean -%}
        {{ headwater.consent_error(where ~ '.may_only_lower', "is true or false, not '" ~ source['may_only_lower'] ~ "'") }}
    {%- endif -%}
    {%- if 'raising_origins' in source -%}
        {%- if source.get('may_only_lower', true) or not source.get('origin') -%}
            {{ headwater.consent_error(where ~ '.raising_origins', "needs 'origin' and may_only_lower: false") }}
        {%- elif source['raising_origins'] is string or source['raising_origins'] is mapping or not source['raising_origins'] -%}
            {{ headwater.consent_error(where ~ '.raising_origins', 'wants a list of origins') }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _check_only(where, told, allowed) -%}
    {%- for key in told -%}
        {%- do headwater.check_consent_word(where, key, allowed) -%}
    {%- endfor -%}
    {%- if told | length != 1 or not (told.values() | first) -%}
        {{ headwater.consent_error(where, 'wants one of ' ~ allowed | join(', ') ~ ' and its column') }}
    {%- endif -%}
{%- endmacro %}

{#- Nothing, or an error where people are known by no identifier of this name: a refusal would reach nobody. -#}
{% macro check_consent_identifier(where, type) -%}
    {%- set types = (headwater.setting('cdp_identity').get('person') or {}).get('identifiers') or {} -%}
    {%- if types and type not in types -%}
        {{ headwater.consent_error(where, "who refused, unsubscribed or bounced is looked for among the identifiers of type '" ~ type
            ~ "', and cdp_identity: person: identifiers has " ~ types | join(', ') ~ '; call the one that holds it ' ~ type) }}
    {%- endif -%}
{%- endmacro %}
