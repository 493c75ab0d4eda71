{#- Nothing: where `column` of a table is text, it becomes a boolean, true where it was `word`. The statements are the same on all
    three; one that was cut off in the middle is finished by the next call. -#}
{% macro retype_to_boolean(relation, column, word) -%}
    {%- set spare = column ~ '__retyped' -%}
    {%- set kinds = {} -%}
    {%- for found in adapter.get_columns_in_relation(relation) -%}
        {%- do kinds.update({found.name | lower: headwater._kind_of_type(found.data_type)}) -%}
    {%- endfor -%}
    {%- set is_text = kinds.get(column) == 'text' -%}
    {%- if is_text -%}
        {%- if spare not in kinds -%}
            {%- do run_query('alter table ' ~ relation ~ ' add column ' ~ spare ~ ' boolean') -%}
        {%- endif -%}
        {%- do run_query('update ' ~ relation ~ ' set ' ~ spare ~ ' = ' ~ column ~ ' = ' ~ headwater.string_literal(word) ~ ' where 1 = 1') -%}
        {%- do run_query('alter table ' ~ relation ~ ' drop column ' ~ column) -%}
    {%- endif -%}
    {%- if is_text or (column not in kinds and spare in kinds) -%}
        {%- do run_query('alter table ' ~ relation ~ ' rename column ' ~ spare ~ ' to ' ~ column) -%}
    {%- endif -%}
{%- endmacro %}
