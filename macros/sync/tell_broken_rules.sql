{#- Nothing, for on-run-end: says which rules of a column_rules test are broken and by how many rows; dbt itself says how many rules. -#}
{% macro tell_broken_rules(results) -%}
    {%- for result in (results or []) if execute and result.status | string in ['fail', 'warn']
        and (result.node.test_metadata or {}).name == 'column_rules' and result.node.compiled_code -%}
        {%- for row in run_query(result.node.compiled_code).rows -%}
            {%- do log(result.node.name ~ ': ' ~ row[0] ~ ': ' ~ row[1] ~ ' rows', info=true) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
