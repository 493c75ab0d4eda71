{#- Nothing, or an error before anything is built: vocabulary, sources and suppressing events of the project, and `consent:` of every
    exposure. Run by on-run-start: only then dbt has read the exposures. -#}
{% macro check_consent_settings() -%}
    {%- do headwater.consent_channels() -%}
    {%- do headwater.consent_purposes() -%}
    {%- do headwater.consent_sources() -%}
    {%- do headwater.suppressing_events() -%}
    {%- do headwater.check_minors() -%}
    {%- do headwater.check_consent_by_country() -%}
    {#- What is sent to is what a vendor's unsubscribes come back with. -#}
    {%- set golden = (headwater.setting('cdp_survivorship').get('person') or {}).get('attributes') or {} -%}
    {%- for type in ['email', 'phone'] if golden.get(type) is mapping and golden[type].get('identifier', type) != type -%}
        {%- do headwater.check_consent_identifier('cdp_survivorship.person.attributes.' ~ type ~ '.identifier', type) -%}
    {%- endfor -%}
    {%- if execute -%}
        {%- for exposure in graph.exposures.values() -%}
            {%- set sync = (exposure.get('config') or {}).get('meta', {}).get('sync') -%}
            {%- if sync is mapping and sync.get('consent') is not none -%}
                {%- do headwater.check_consent('exposure ' ~ exposure.name ~ ', consent', sync.get('consent')) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
