{#- Relation-shaped query: the answers of one of consent_sources(), as they were said.
    Columns: answer_source, source_name, consent_id, record_id (the key of the record whose answer it is), email, phone, channel_said, purpose_said, state, basis, consent_source, may_raise,
    is_origin_known, answer_said, is_answer_known, recorded_at, loaded_at, is_by_guardian, lapse. A yes that wants to be confirmed counts from then,
    and has lapsed as long as it is `unconfirmed`, or when it has `expired`. A word that is no known yes is a no; an empty cell of `accepts` or `refuses` is no answer,
    and a `refuses` that says no is none either: not to have refused is no consent. -#}
{% macro consent_answers(source) -%}
{%- set string = dbt.type_string() -%}
{%- set said = headwater._consent_text((source.answer.values() | first) if source.answer is mapping else none) -%}
{%- set kind = (source.answer | first) if source.answer is mapping else 'refused' -%}
{%- set origin = headwater._consent_text(source.origin) -%}
    select
        {{ headwater.string_literal(source.name) }} as answer_source,
        {{ headwater.string_literal(source.records) if source.records else 'cast(null as ' ~ string ~ ')' }} as source_name,
        cast({{ source.key }} as {{ string }}) as consent_id,
        cast({{ source.record }} as {{ string }}) as record_id,
        {{ headwater.normalise_email(source.email) if source.email else 'cast(null as ' ~ string ~ ')' }} as email,
        {%- set phone = "nullif(trim(cast(" ~ (source.phone or 'null') ~ " as " ~ string ~ ")), '')" %}
        {#- A refusal finds its number also where staging left it as it was written. #}
        {{ 'coalesce(' ~ headwater.normalise_phone(phone) ~ ', ' ~ phone ~ ')' if source.phone else 'cast(null as ' ~ string ~ ')' }} as phone,
        {% for key in ['channel', 'purpose'] -%}
        {{ headwater._consent_text(source[key].column) if source[key] is mapping else headwater.string_literal(source[key]) }} as {{ key }}_said,
        {% endfor -%}
        {% if kind in ['state', 'accepts'] -%}
        case
            when {{ said }} in ({{ headwater.string_literals(headwater._consent_words('yes')) }}) then 'opted_in'
            else 'opted_out'
        end as state,
        {%- else -%}
        'opted_out' as state,
        {%- endif %}
        {{ 'cast(' ~ source.basis ~ ' as ' ~ string ~ ')' if source.basis else 'cast(null as ' ~ string ~ ')' }} as basis,
        {{ 'cast(' ~ source.origin ~ ' as ' ~ string ~ ')' if source.origin else headwater.string_literal(source.name) }} as consent_source,
        {{ headwater._consent_may_raise(source, origin) }} as may_raise,
        {{ headwater._consent_origin_is_known(source, origin) }} as is_origin_known,
        {{ said if source.answer is mapping else 'cast(null as ' ~ string ~ ')' }} as answer_said,
        {% if kind in ['state', 'accepts'] -%}
        coalesce({{ said }} in ({{ headwater.string_literals(headwater._consent_words('yes') + headwater._consent_words('no')) }}), false) as is_answer_known,
        {%- else -%}
        true as is_answer_known,
        {%- endif %}
        {%- set is_yes = said ~ ' in (' ~ headwater.string_literals(headwater._consent_words('yes')) ~ ')' %}
        {{ headwater._consent_counts_from(source, is_yes) }} as recorded_at,
        cast({{ source.loaded_at or 'null' }} as {{ dbt.type_timestamp() }}) as loaded_at,
        {{ headwater._consent_by_guardian(source) }} as is_by_guardian,
        {{ headwater._consent_lapse(source, is_yes) }} as lapse

    from {{ headwater.model_ref(source.model) }}
    {%- if kind == 'accepts' %}

    where {{ said }} is not null
    {%- elif kind == 'refuses' %}

    where {{ said }} not in ({{ headwater.string_literals(headwater._consent_words('nothing')) }})
    {%- endif %}
{%- endmacro %}

{#- Expression: when an answer counts from; a yes that is confirmed, from its confirmation. -#}
{% macro _consent_counts_from(source, is_yes) -%}
    {%- set instant = dbt.type_timestamp() -%}
    {%- set recorded = 'cast(' ~ (source.recorded_at or 'null') ~ ' as ' ~ instant ~ ')' -%}
    {%- if not source.confirmed_at -%}
        {{ return(recorded) }}
    {%- endif -%}
    {{ return('case when ' ~ is_yes ~ ' and ' ~ source.confirmed_at ~ ' is not null then cast(' ~ source.confirmed_at ~ ' as ' ~ instant ~ ') else '
        ~ recorded ~ ' end') }}
{%- endmacro %}

{#- Expression: why a yes counts no more, or not yet; null where it does, and for a no, which never lapses. -#}
{% macro _consent_lapse(source, is_yes) -%}
    {%- set whens, instant = [], dbt.type_timestamp() -%}
    {%- if source.confirmed_at -%}
        {%- do whens.append('when ' ~ is_yes ~ ' and ' ~ source.confirmed_at ~ " is null then 'unconfirmed'") -%}
    {%- endif -%}
    {%- if source.expires_at -%}
        {%- do whens.append('when ' ~ is_yes ~ ' and cast(' ~ source.expires_at ~ ' as ' ~ instant ~ ') <= ' ~ headwater.cdp_now() ~ " then 'expired'") -%}
    {%- endif -%}
    {%- if source.expires_after_days -%}
        {%- set ends = headwater.timestamp_add(headwater._consent_counts_from(source, is_yes), source.expires_after_days, 'day') -%}
        {%- do whens.append('when ' ~ is_yes ~ ' and ' ~ ends ~ ' <= ' ~ headwater.cdp_now() ~ " then 'expired'") -%}
    {%- endif -%}
    {{ return('case ' ~ whens | join(' ') ~ ' end' if whens else 'cast(null as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}

{#- Expression: whether somebody who answers for a child gave the answer. -#}
{% macro _consent_by_guardian(source) -%}
    {%- if source.by_guardian is not mapping -%}
        {{ return('true' if source.by_guardian else 'false') }}
    {%- endif -%}
    {{ return('coalesce(' ~ headwater._consent_text(source.by_guardian.column) ~ ' in ('
        ~ headwater.string_literals(headwater._consent_words('yes')) ~ '), false)') }}
{%- endmacro %}

{#- Value: small words that say yes, that say no, or, in a column of refusals, that nothing was refused; in the languages in which `headwater init` knows
    columns (English, German, French, Spanish, Italian, Dutch, Polish) and in Portuguese. -#}
{% macro _consent_words(kind) -%}
    {%- set nothing = ['no', 'n', 'false', 'f', '0', 'off', 'nein', 'non', 'nee', 'nie', 'não', 'nao'] -%}
    {{ return({
        'yes': ['yes', 'y', 'true', 't', '1', 'on', 'granted', 'accepted', 'subscribed', 'opt-in', 'opted_in',
            'ja', 'oui', 'si', 'sí', 'sì', 'tak', 'sim'],
        'nothing': nothing,
        'no': nothing + [
            'denied', 'declined', 'refused', 'rejected', 'revoked', 'withdrawn', 'unsubscribed', 'never_subscribed', 'never subscribed',
            'opt-out', 'opted_out', 'none',
        ],
    }[kind]) }}
{%- endmacro %}

{#- Expression: whether a yes may end a no. Never of an origin that is an import of some kind; where origins are listed, only of those. -#}
{% macro _consent_may_raise(source, origin) -%}
    {%- if source.may_only_lower -%}
        {{ return('false') }}
    {%- elif not source.origin -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set imported = headwater.regexp_matches_whole("coalesce(" ~ origin ~ ", '')", headwater.consent_import_pattern()) -%}
    {%- if source.raising_origins -%}
        {{ return('coalesce(' ~ headwater._consent_is_listed(source, origin) ~ ' and not ' ~ imported ~ ', false)') }}
    {%- endif -%}
    {{ return('coalesce(' ~ origin ~ ' is not null and not ' ~ imported ~ ', false)') }}
{%- endmacro %}

{% macro _consent_origin_is_known(source, origin) -%}
    {%- if not source.raising_origins -%}
        {{ return('true') }}
    {%- endif -%}
    {{ return('coalesce(' ~ headwater._consent_is_listed(source, origin) ~ ' or '
        ~ headwater.regexp_matches_whole(origin, headwater.consent_import_pattern()) ~ ', false)') }}
{%- endmacro %}

{% macro _consent_is_listed(source, origin) -%}
    {%- set listed = [] -%}
    {%- for one in source.raising_origins -%}
        {%- do listed.append(headwater.string_literal(one | string | lower | trim)) -%}
    {%- endfor -%}
    {{ return(origin ~ ' in (' ~ listed | join(', ') ~ ')') }}
{%- endmacro %}

{#- Value: a pattern of origins by which a company, and not a person, wrote an answer down. -#}
{% macro consent_import_pattern() -%}
    {{ return(
        '.*(import|импорт|загру|インポート|导入|匯入|tuonti|csv|upload|migra|back.?fill|bulk|purchase|bought|enrich|legacy|spreadsheet|altdaten|altbestand|bernahme|adresskauf|ankauf|gekauft'
        ~ '|hochgeladen|ingelezen|acquired).*'
        ~ '|(.*[^a-z])?(lists?|liste[ns]?|listas?|lijst|elenco|files?|dateie?n?|fichiers?|ficheros?|archivos?|bestand|csv|xlsx?|excel|etl|batch'
        ~ '|sync|seed|restored?|export|transfer|load|loaded|carga)([^a-z].*)?'
    ) }}
{%- endmacro %}

{#- Expression: a column's text in small letters without blanks around it; null for nothing. -#}
{% macro _consent_text(column) -%}
    {{ return("nullif(lower(trim(cast(" ~ (column or 'null') ~ " as " ~ dbt.type_string() ~ "))), '')") }}
{%- endmacro %}
