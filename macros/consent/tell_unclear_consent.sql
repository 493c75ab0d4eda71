{#- Nothing, at the end of a run: where assert_consent_is_clear found something, a line in the log for each of the most frequent, since dbt says how many
    alone. `consent_unclear` has all of them; it shows no word that could be somebody's address. -#}
{% macro tell_unclear_consent(results) -%}
    {%- for result in (results or [] if execute else []) if result.node.name == 'assert_consent_is_clear' and result.status | string in ['warn', 'fail'] -%}
        {%- set unclear = headwater._relation_named('consent_unclear') -%}
        {%- set rows = run_query(
            'select said_by, problem, word, taken_as, answers from ' ~ unclear ~ ' order by answers desc, said_by, problem, word limit 6'
        ).rows -%}
        {%- for row in rows if loop.index < 6 -%}
            {%- do log('consent is not clear: ' ~ row[0] ~ ', ' ~ row[1] ~ " '" ~ row[2] ~ "': " ~ (row[4] | int) ~ ' taken as ' ~ row[3], info=true) -%}
        {%- endfor -%}
        {%- if rows | length > 5 -%}
            {%- do log('consent is not clear: ' ~ unclear ~ ' has more', info=true) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
