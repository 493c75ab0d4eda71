{#- Data test: every value that is there can be hashed by the rules of `vendor` (google, meta and the others of hashed_for), or is a SHA-256 already; what cannot
    is null in the activation table. -#}
{% test hashable_for(model, column_name, vendor, kind) %}

select
    {{ headwater.md5_hex(column_name) }} as value_mark,
    count(*) as row_count

from {{ model }}

where
    trim({{ column_name }}) <> ''
    and {{ headwater.hashed_for(vendor, kind, column_name) }} is null

group by {{ headwater.md5_hex(column_name) }}

{% endtest %}
