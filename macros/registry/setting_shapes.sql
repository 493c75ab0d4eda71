{#- Value: every var of the engine and the shape of its value, {name: shape}. A shape is a word (any, text, name, texts, names, flag, whole, count,
    number, percent, share, words, country, zone), a list of the words that are allowed (one, or several in a list), or a mapping: {keys: {name: shape}, needs: [name]},
    {each: shape} of a mapping with names of the project's own, {list: shape}, or {either: [shape of a mapping, shape of anything else]}.
    A var that is in no list here is a mistyped one and stops the build: whoever adds a var adds it here. -#}
{% macro setting_shapes() -%}
    {%- set rule = {'keys': {
        'tier': 'whole', 'exclusive': 'flag', 'limit': 'whole', 'merge_limit': 'whole', 'window_days': 'whole', 'normaliser': 'name',
        'max_exclusive_ids': 'whole', 'max_records': 'whole', 'allowed_values': 'words', 'kind': headwater.identifier_kinds(), 'disposable': 'flag',
        'blocked_values': {'keys': {
            'exact': 'words', 'patterns': 'texts', 'models': {'list': {'keys': {'model': 'name', 'column': 'name'}, 'needs': ['model', 'column']} },
        } },
    } } -%}
    {%- set survival = ['most_recent', 'first', 'most_frequent', 'source_priority', 'min', 'max', 'valid'] -%}
    {{ return({
        'cdp_as_of': 'any',
        'cdp_attribution': {'keys': {'touches': {'list': headwater.campaign_event_kinds()}, 'window_days': 'number', 'half_life_days': 'number'} },
        'cdp_channels': 'any',
        'cdp_company_hierarchy': {'keys': {'parent': 'name', 'identifier': 'name'}, 'needs': ['parent', 'identifier']},
        'cdp_consent_by_country': {'keys': {'country': 'name', 'countries': {'each': 'any'} }, 'needs': ['countries']},
        'cdp_consent_sources': 'any',
        'cdp_contact_rules': {'keys': {
            'quiet_hours': {'keys': {'from': 'text', 'to': 'text', 'channels': 'texts'}, 'needs': ['from', 'to']},
            'caps': {'list': {'keys': {'at_most': 'whole', 'days': 'whole', 'channels': 'texts', 'per': ['person', 'account']}, 'needs': ['at_most', 'days']} },
            'calendar': {'list': {'keys': {'from': 'any', 'to': 'any', 'channels': 'texts', 'except': 'names'}, 'needs': ['from', 'to']} },
            'delay_at_most': 'text', 'zone_column': 'name',
        } },
        'cdp_always_excluded': 'any',
        'cdp_default_country': 'country',
        'cdp_global_holdout': {'each': {'keys': {'percent': 'percent', 'salt': 'text'}, 'needs': ['percent', 'salt']} },
        'cdp_entities': {'each': {'keys': {'model': 'name', 'key': 'name', 'of': ['person', 'account']}, 'needs': ['model', 'key']} },
        'cdp_events': {'list': {'keys': {
            'name': 'name', 'model': 'name', 'key': 'name', 'time': 'name', 'entity': 'name', 'properties': 'texts',
            'parts': {'keys': {'event': 'name', 'by': 'name'}, 'needs': ['event', 'by']},
        }, 'needs': ['name']} },
        'cdp_identity': {'each': {'keys': {
            'identifiers': {'each': rule},
            'attributes': {'each': {'keys': {'kind': headwater.matching_kind_names()} } },
            'records': 'any',
        }, 'needs': ['identifiers']} },
        'cdp_identity_blocked_values': {'keys': {'exact': 'words', 'patterns': 'texts'} },
        'cdp_identity_overrides': 'name',
        'cdp_identity_review': {'keys': {'max_changed_percent': 'percent', 'min_ids': 'count'} },
        'cdp_journeys_allow_earlier_as_of': 'flag',
        'cdp_journeys_start_over': 'names',
        'cdp_lift': {'keys': {'window_days': 'number'} },
        'cdp_live_targets': {'each': {'keys': {
            'path': 'text', 'schema': 'text', 'account': 'text', 'database': 'text', 'project': 'text', 'dataset': 'text',
        } } },
        'cdp_matching': {'keys': {
            'enabled': 'flag', 'accept': 'share', 'strong': 'share', 'review': 'share', 'max_block_records': 'whole',
            'entities': {'either': [{'each': {'keys': {'households': 'flag', 'records': 'any'} } }, 'names']},
            'kinds': {'each': {'either': [{'keys': {'compared_as': 'name', 'shared': 'flag', 'identifies': 'flag'}, 'needs': ['compared_as']}, 'name']} },
        } },
        'cdp_minors': {'keys': {
            'under': 'count', 'birth_date': 'name', 'country': 'name', 'under_by_country': {'each': 'count'},
        }, 'needs': ['under']},
        'cdp_own_macros': 'names',
        'cdp_purposes': 'any',
        'cdp_registry': {'keys': {
            'records': 'names', 'consents': 'names', 'traits': 'names', 'account_traits': 'names', 'product_line_traits': 'names',
            'conversions': 'names', 'audiences': 'names', 'journeys': 'names',
        } },
        'cdp_relations': {'each': 'name'},
        'cdp_retired_syncs': 'texts',
        'cdp_suppressing_events': 'any',
        'cdp_survivorship': {'each': {'keys': {'attributes': {'each': {'either': [
            {'keys': {
                'rule': survival, 'type': ['string', 'integer', 'float', 'boolean', 'date', 'timestamp'],
                'identifier': 'name', 'follows': 'name', 'sources': 'texts',
            } },
            survival,
        ]} } } } },
        'cdp_time_zone': 'zone',
        'cdp_unread': {'keys': {
            'warn_percent': 'percent', 'stop_percent': 'percent', 'placeholders': 'words',
            'columns': {'each': {'keys': {'warn_percent': 'percent', 'stop_percent': 'percent', 'reason': 'text'}, 'needs': ['reason']} },
        } },
    }) }}
{%- endmacro %}
