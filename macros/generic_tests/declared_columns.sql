{#- Data test of a source: it has every column its YAML declares, of the type declared there. dbt runs it before the models
    that read the source and skips them when it fails, so that a column which went away or changed its type is named here,
    not found later as an error deep in a model, or as nulls where casts gave up. Other columns are nobody's business. -#}
{% test declared_columns(model) %}

{%- if execute -%}
    {%- do headwater.check_declared_columns(model) -%}
{%- endif %}

select one
from (select 1 as one) as nothing
where one = 0

{% endtest %}
