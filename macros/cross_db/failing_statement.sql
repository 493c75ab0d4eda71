{#- Statement: one that fails with a message. At the end of a run dbt 1 takes an error that Jinja raises for somebody's Ctrl-C, and says so;
    a statement that fails is the hook's own error, with the rest of the results. -#}
{% macro failing_statement(message) -%}
    {{ return(adapter.dispatch('failing_statement', 'headwater')(message)) }}
{%- endmacro %}

{#- No error() there: the text is in the message of the cast. -#}
{% macro default__failing_statement(message) -%}
    {{ return('select cast(' ~ headwater.string_literal(message) ~ ' as ' ~ dbt.type_int() ~ ')') }}
{%- endmacro %}

{% macro duckdb__failing_statement(message) -%}
    {{ return('select error(' ~ headwater.string_literal(message) ~ ')') }}
{%- endmacro %}

{% macro bigquery__failing_statement(message) -%}
    {{ return('select error(' ~ headwater.string_literal(message) ~ ')') }}
{%- endmacro %}
