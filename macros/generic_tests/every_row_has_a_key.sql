{#- Data test of a source's key, which warns: rows without one are left out by staging, for nobody could tell their versions
    apart, and here it is said how many. One of them is no reason to stop every push. -#}
{% test every_row_has_a_key(model, column_name) %}
{{ config(severity='warn') }}

select {{ column_name }}

from {{ model }}

where not ({{ headwater.has_key(column_name) }})

{% endtest %}
