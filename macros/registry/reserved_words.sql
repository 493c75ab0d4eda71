{#- Value: words that one of the warehouses reads as its own where a column is meant, as `headwater init` has them too (sync/entrance/looked.py). -#}
{% macro reserved_words() -%}
    {{ return('
        all and any array as asc between both by case cast check collate column constraint create cross cube current current_date current_time
        current_timestamp current_user default desc describe distinct drop else end except exists false fetch following for foreign from full
        grant group grouping having in inner insert intersect interval into is join lateral leading left like limit localtime minus natural new
        not null of offset on or order outer over partition pivot placing primary qualify range references right rollup row rows sample select
        set some start summarize table tablesample then to trailing true union unique unnest unpivot update user using values variadic when
        where window with within
    '.split()) }}
{%- endmacro %}
