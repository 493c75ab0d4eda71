{#- Nothing, or an error that says which setting, the value, what is allowed and the nearest. -#}
{% macro check_consent_word(where, word, allowed) -%}
    {%- if word is not string or word not in allowed -%}
        {{ headwater.consent_error(where, "'" ~ word ~ "' is not one of " ~ allowed | join(', ') ~ headwater.nearest(word, allowed)) }}
    {%- endif -%}
{%- endmacro %}

{#- Nothing, or an error: a {channel, purpose} whose words are not the vocabulary's. -#}
{% macro check_consent(where, consent) -%}
    {%- if consent is not mapping -%}
        {{ headwater.consent_error(where, "wants {channel, purpose}, not '" ~ consent ~ "'") }}
    {%- endif -%}
    {%- for key in consent -%}
        {%- do headwater.check_consent_word(where, key, ['channel', 'purpose']) -%}
    {%- endfor -%}
    {%- do headwater.check_consent_word(where ~ '.channel', consent.get('channel'), headwater.consent_channels() | list) -%}
    {%- do headwater.check_consent_word(where ~ '.purpose', consent.get('purpose'), headwater.consent_purposes()) -%}
{%- endmacro %}

{#- Nothing, or an error: a name for the vocabulary that cannot be one, or is there already. -#}
{% macro check_consent_name(where, name, taken) -%}
    {%- if name is not string or modules.re.fullmatch('[a-z][a-z0-9_]*', name) is none or name == 'all' -%}
        {{ headwater.consent_error(where, "'" ~ name ~ "' is no name: small letters, digits and underscores, and not all" ~ headwater.nearest(name, taken)) }}
    {%- elif name in taken -%}
        {{ headwater.consent_error(where, "'" ~ name ~ "' is there already: only what is new is added") }}
    {%- endif -%}
{%- endmacro %}

{#- Stops the parse: which setting, and what is wrong with it. -#}
{% macro consent_error(where, message) -%}
    {%- set place = model.name ~ ', ' if model is defined and model and model.get('resource_type') in ['model', 'test'] and not where.startswith('cdp_') else '' -%}
    {{ headwater.stop_setting(headwater._sentence(place ~ where ~ ': ' ~ message) ~ ' The words of consent are in docs/consent.md.') }}
{%- endmacro %}
