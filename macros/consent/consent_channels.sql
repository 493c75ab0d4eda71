{#- Value: {channel: what a person is asked by on it, email or phone}: the shipped ones and those that `vars: cdp_channels` adds. -#}
{% macro consent_channels() -%}
    {%- set channels = {'email': 'email', 'sms': 'phone', 'push': 'email', 'ads': 'email'} -%}
    {%- set added = var('cdp_channels', {}) or {} -%}
    {%- if added is not mapping -%}
        {{ headwater.consent_error('cdp_channels', 'wants what each new channel is asked by, such as {whatsapp: phone}, not ' ~ added) }}
    {%- endif -%}
    {%- for channel, asked_by in added.items() -%}
        {%- do headwater.check_consent_name('cdp_channels', channel, channels) -%}
        {%- do headwater.check_consent_word('cdp_channels.' ~ channel, asked_by, ['email', 'phone']) -%}
        {%- do channels.update({channel: asked_by}) -%}
    {%- endfor -%}
    {{ return(channels) }}
{%- endmacro %}
