{#- Value: what people are asked for: the shipped purposes and those that `vars: cdp_purposes` adds. -#}
{% macro consent_purposes() -%}
    {%- set purposes = ['marketing', 'analytics', 'service'] -%}
    {%- set added = var('cdp_purposes', []) or [] -%}
    {%- if added is string or added is mapping or added is not iterable -%}
        {{ headwater.consent_error('cdp_purposes', 'wants a list of new purposes, such as [research], not ' ~ added) }}
    {%- endif -%}
    {%- for purpose in added -%}
        {%- do headwater.check_consent_name('cdp_purposes', purpose, purposes) -%}
        {%- do purposes.append(purpose) -%}
    {%- endfor -%}
    {{ return(purposes) }}
{%- endmacro %}
