{#- Nothing, or a warning per entity of kinds that its records have and `weights` does not: they count for nothing, and an entity of which there are no
    weights at all is not matched. -#}
{% macro tell_of_untrained(weights) -%}
    {%- if execute and flags.WHICH in ['run', 'build'] -%}
        {%- set known = {} -%}
        {%- for row in run_query('select entity, kind from ' ~ weights ~ ' group by 1, 2').rows -%}
            {%- do known.setdefault(row[0], []).append(row[1]) -%}
        {%- endfor -%}
        {%- for entity in headwater.matching_settings().entities -%}
            {%- set has = [] -%}
            {%- for record in entity.records -%}
                {%- for kind in record.columns -%}{%- do has.extend(['first_name', 'last_name'] if kind == 'full_name' else [kind]) -%}{%- endfor -%}
            {%- endfor -%}
            {%- set lacks = has | unique | reject('in', known.get(entity.name, [])) | sort -%}
            {%- if lacks -%}
                {%- do exceptions.warn(
                    'matching_weights has no weights of ' ~ entity.name ~ ': ' ~ lacks | join(', ') ~ '. '
                    ~ ('Such a kind tells nothing but that an equal value is rare.' if 'prior' in known.get(entity.name, []) else 'Nothing of it is matched.')
                    ~ ' Learn them: dbt build --select +matching_patterns, then sync train-matching --entity ' ~ entity.name ~ ', then dbt build. See docs/matching.md.'
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
