{#- Relation-shaped query: profile_id of everybody who by `vars: cdp_minors` is too young to say yes, as of the build. None where the project
    does not say how old one must be. Who has no birth date is taken as of age. -#}
{% macro minors() -%}
    {%- set rule = var('cdp_minors', none) -%}
    {%- if not rule -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set of_age, values = [], {} -%}
    {%- for key in ['birth_date', 'country'] -%}
        {%- do values.update({key: 'max(case when attribute = ' ~ headwater.string_literal(rule.get(key, key)) ~ ' then value end)'}) -%}
    {%- endfor -%}
    {%- for country, age in (rule.get('under_by_country') or {}).items() -%}
        {%- do of_age.append('when country = ' ~ headwater.string_literal(country | upper) ~ ' then cast('
            ~ dbt.dateadd('year', age, 'birth_date') ~ ' as date)') -%}
    {%- endfor -%}
    {%- set usual = 'cast(' ~ dbt.dateadd('year', rule['under'], 'birth_date') ~ ' as date)' -%}
    {{ return(
        'select profile_id from (select profile_id, ' ~ headwater.attribute_cast(values.birth_date, 'date') ~ ' as birth_date, upper('
        ~ values.country ~ ') as country from ' ~ ref('headwater', 'profile_attributes') ~ ' group by profile_id) as people where '
        ~ ('case ' ~ of_age | join(' ') ~ ' else ' ~ usual ~ ' end' if of_age else usual) ~ ' > cast(' ~ headwater.cdp_now() ~ ' as date)'
    ) }}
{%- endmacro %}

{#- Nothing, or an error: `cdp_minors` names golden attributes that people do not have. -#}
{% macro check_minors() -%}
    {%- set rule = var('cdp_minors', none) -%}
    {%- if rule -%}
        {%- set attributes = (headwater.setting('cdp_survivorship').get('person') or {}).get('attributes') or {} -%}
        {%- for key in ['birth_date', 'country'] if key == 'birth_date' or rule.get('under_by_country') -%}
            {%- if rule.get(key, key) not in attributes -%}
                {{ headwater.consent_error('cdp_minors.' ~ key, "'" ~ rule.get(key, key) ~ "' is no golden attribute of people (cdp_survivorship: person: attributes: "
                    ~ attributes | join(', ') ~ ')' ~ headwater.nearest(rule.get(key, key), attributes | list)) }}
            {%- endif -%}
        {%- endfor -%}
        {%- set facts = attributes[rule.get('birth_date', 'birth_date')] -%}
        {%- if (facts.get('type') if facts is mapping else none) != 'date' -%}
            {{ headwater.consent_error('cdp_minors.birth_date', "'" ~ rule.get('birth_date', 'birth_date') ~ "' needs `type: date` in cdp_survivorship") }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
