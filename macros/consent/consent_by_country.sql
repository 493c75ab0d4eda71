{#- Value: what `vars: cdp_consent_by_country` lets be done without an answer: a list of {country, channel, purpose}; empty unless a project says so. -#}
{% macro consent_by_country() -%}
    {%- set allowed = [] -%}
    {%- for country, channels in ((var('cdp_consent_by_country', none) or {}).get('countries') or {}).items() -%}
        {%- for channel, purposes in channels.items() -%}
            {%- for purpose in purposes -%}
                {%- do allowed.append({'country': country, 'channel': channel, 'purpose': purpose}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(allowed) }}
{%- endmacro %}

{#- Nothing, or an error: `cdp_consent_by_country` has words of consent that are none, or a golden attribute that people do not have. -#}
{% macro check_consent_by_country() -%}
    {%- set rule = var('cdp_consent_by_country', none) -%}
    {%- if rule -%}
        {%- set attributes = (headwater.setting('cdp_survivorship').get('person') or {}).get('attributes') or {} -%}
        {%- set attribute = rule.get('country', 'country') -%}
        {%- if attribute not in attributes -%}
            {{ headwater.consent_error('cdp_consent_by_country.country', "'" ~ attribute ~ "' is no golden attribute of people (cdp_survivorship: person: attributes: "
                ~ attributes | join(', ') ~ ')' ~ headwater.nearest(attribute, attributes | list)) }}
        {%- endif -%}
        {%- for country, channels in rule['countries'].items() -%}
            {%- set where = 'cdp_consent_by_country.countries.' ~ country -%}
            {%- if country is not string or modules.re.fullmatch('[A-Z]{2}', country) is none -%}
                {{ headwater.consent_error(where, "wants the country as two capital letters in quotes, such as 'US'") }}
            {%- elif channels is not mapping -%}
                {{ headwater.consent_error(where, "wants {channel: [purposes]}, not '" ~ channels ~ "'") }}
            {%- endif -%}
            {%- for channel, purposes in channels.items() -%}
                {%- do headwater.check_consent_word(where, channel, headwater.consent_channels() | list) -%}
                {%- if purposes is string or purposes is mapping or purposes is not iterable -%}
                    {{ headwater.consent_error(where ~ '.' ~ channel, "wants a list of purposes, not '" ~ purposes ~ "'") }}
                {%- endif -%}
                {%- for purpose in purposes -%}
                    {%- do headwater.check_consent_word(where ~ '.' ~ channel, purpose, headwater.consent_purposes()) -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- Common table expressions: `said`, the answers, and for whoever gave none what their country lets be done; ends with `told`, both together. Only
    where every country that a record of theirs names allows it. -#}
{% macro _told_by_country(minors) -%}
countries_said as (

    select
        profile_id,
        upper(trim(value)) as country,
        min(first_seen_at) as said_at

    from {{ ref('headwater', 'int_profiles__attribute_values') }}

    where
        attribute = {{ headwater.string_literal(var('cdp_consent_by_country').get('country', 'country')) }}
        and value is not null

    group by profile_id, upper(trim(value))

),

countries_counted as (

    select
        profile_id,
        count(*) as country_count

    from countries_said

    group by profile_id

),

allowed_by_country as (
    {% for one in headwater.consent_by_country() %}
    select
        {{ headwater.string_literal(one.country) }} as country,
        {{ headwater.string_literal(one.channel) }} as channel,
        {{ headwater.string_literal(one.purpose) }} as purpose
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

answered as (

    select distinct
        profile_id,
        channel,
        purpose

    from said

),

allowed as (

    select
        countries_said.profile_id,
        allowed_by_country.channel,
        allowed_by_country.purpose,
        min(countries_said.country) as country,
        min(countries_said.said_at) as said_at

    from countries_said

    inner join allowed_by_country on countries_said.country = allowed_by_country.country

    inner join countries_counted on countries_said.profile_id = countries_counted.profile_id

    group by countries_said.profile_id, allowed_by_country.channel, allowed_by_country.purpose, countries_counted.country_count

    having count(*) = countries_counted.country_count

),

told as (

    select *

    from said

    union all

    select
        allowed.profile_id,
        'country_default' as answer_source,
        allowed.country as consent_id,
        cast(null as {{ dbt.type_string() }}) as subject,
        allowed.channel,
        allowed.purpose,
        'opted_in' as state,
        false as may_raise,
        'legitimate_interest' as basis,
        'country_default' as consent_source,
        coalesce(allowed.said_at, {{ headwater.cdp_now() }}) as recorded_at,
        'decides' as outcome

    from allowed

    left join answered
        on allowed.profile_id = answered.profile_id
        and allowed.channel = answered.channel
        and allowed.purpose = answered.purpose
    {%- if minors %}

    left join minors on allowed.profile_id = minors.profile_id
    {%- endif %}

    where
        answered.profile_id is null
        {%- if minors %}
        and minors.profile_id is null
        {%- endif %}

)
{%- endmacro %}
