{#- Value: {kind of a campaign's event: the reason why nobody is written to after it}. What ships is law; `vars:
    cdp_suppressing_events` adds kinds and cannot take one out. -#}
{% macro suppressing_events() -%}
    {%- set shipped = {'bounced': 'hard_bounce', 'complained': 'complaint', 'unsubscribed': 'unsubscribed'} -%}
    {%- set kinds = headwater.campaign_event_kinds() -%}
    {%- set events = shipped.copy() -%}
    {%- set given = var('cdp_suppressing_events', {}) or {} -%}
    {%- if given is not mapping -%}
        {{ headwater.consent_error('cdp_suppressing_events', 'wants a reason for each kind, such as {bounced: hard_bounce}, not ' ~ given) }}
    {%- endif -%}
    {%- for kind, reason in given.items() -%}
        {%- do headwater.check_consent_word('cdp_suppressing_events', kind, kinds) -%}
        {%- do headwater.check_consent_word('cdp_suppressing_events.' ~ kind, reason, shipped.values() | list) -%}
        {%- if shipped.get(kind, reason) != reason -%}
            {{ headwater.consent_error('cdp_suppressing_events.' ~ kind, "is always '" ~ shipped[kind] ~ "', not '" ~ reason ~ "'") }}
        {%- endif -%}
        {%- do events.update({kind: reason}) -%}
    {%- endfor -%}
    {{ return(events) }}
{%- endmacro %}

{#- Value: the kinds of a campaign's events, as every destination reports them. -#}
{% macro campaign_event_kinds() -%}
    {{ return(['sent', 'delivered', 'opened', 'clicked', 'bounced', 'unsubscribed', 'complained', 'converted']) }}
{%- endmacro %}
