{#- Value: the models of the demo company, by kind: what a team writes under `vars: cdp_registry` (docs/adopt.md).
    It stands among the demo's seeds so that the demo is three folders, and nothing outside them knows it. -#}
{% macro demo_registry() -%}
    {{ return({
        'records': [
            'stg_loyalty__members',
            'stg_crm__contacts',
            'stg_crm__accounts',
            'stg_shop__customers',
            'stg_app__users',
            'stg_shop__orders',
            'stg_support__tickets',
            'stg_consent__consents',
            'stg_web__visitors',
        ],
        'consents': ['stg_consent__consents'],
        'traits': ['traits_commerce', 'traits_engagement', 'traits_lifetime'],
        'account_traits': ['traits_account_sales'],
        'product_line_traits': ['traits_lines_commerce', 'traits_lines_engagement'],
        'conversions': ['event_order_placed', 'event_subscription_started'],
        'audiences': [
            'audience_expansion_accounts',
            'audience_lapsed_buyers',
            'audience_newsletter_readers',
            'audience_outdoor_enthusiasts',
        ],
        'journeys': ['journey_win_back'],
    }) }}
{%- endmacro %}

{#- Value: an order is asked about by what was in it too; every other event is what its name and contract say. -#}
{% macro demo_events() -%}
    {{ return([{
        'name': 'order_placed',
        'model': 'event_order_placed',
        'key': 'event_id',
        'time': 'occurred_at',
        'entity': 'person',
        'properties': ['order_id', 'status', 'line_count', 'quantity', 'revenue_eur'],
        'parts': {'event': 'product_ordered', 'by': 'order_id'},
    }]) }}
{%- endmacro %}

{#- Value: the country of the demo's phone numbers that are written without a calling code. -#}
{% macro demo_country() -%}
    {{ return('DE') }}
{%- endmacro %}
