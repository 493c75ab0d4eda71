{#- Expressions to end an order with: each column, the greatest first, null last. Of rows with one key that are alike in all that comes
    before, every build and every warehouse then keeps the same one. -#}
{% macro by_each(columns) -%}
    {%- if columns is string or not columns -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ": by_each takes a list of columns, got " ~ columns ~ "; name every column of the source that no order before it names."
        ) }}
    {%- endif -%}
    {{ return(columns | join(' desc nulls last, ') ~ ' desc nulls last') }}
{%- endmacro %}
