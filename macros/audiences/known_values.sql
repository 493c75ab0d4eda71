{#- Nothing: notes a text that a column never has. Where a test accepted_values says what it may have, another text is a mistake; else it is kept, and a
    build says by a warning that no row has it, since tomorrow one may. -#}
{% macro note_unknown_values(context, model_name, column, operators, path) -%}
    {%- for operator, told in operators.items() if operator in ['equals', 'in'] and told is not mapping and 'any_case' not in operators -%}
        {%- for value in (told if operator == 'in' and told is iterable and told is not string else [told]) if value is string -%}
            {%- set accepted = headwater.accepted_values(context, model_name, column) -%}
            {%- if accepted and value not in accepted -%}
                {%- do headwater.note_problem(context, path ~ '.' ~ operator, "'" ~ value ~ "' is no value of " ~ column ~ ", which is one of " ~ accepted | join(', ') ~ headwater.nearest(value, accepted)) -%}
            {%- elif not accepted and context.texts | length < 40 -%}
                {%- do context.texts.append({'model': model_name, 'column': column, 'value': value, 'path': path}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: the texts that a column may have, of its test accepted_values; empty where it has none, or while dbt parses. A trait's stands where the trait does, in its
    group, since profiles are made of these. -#}
{% macro accepted_values(context, model_name, column) -%}
    {%- set kind = {'profiles': 'traits', 'accounts': 'account_traits'}.get(model_name) -%}
    {%- set found = [] -%}
    {%- for name in [model_name] + (headwater.registry(kind) if kind else []) -%}
        {%- for told in headwater._tests_of(context, name, column, 'accepted_values') -%}
            {%- for value in told.get('values') or [] -%}
                {%- do found.append(value | string) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: the arguments of each test of a name that a column has, by itself or as one of its model's column_rules: of all its rows, and without which nothing
    is sent. None while dbt parses. -#}
{% macro _tests_of(context, model_name, column, name) -%}
    {%- set key = model_name ~ '.' ~ column ~ ' ' ~ name -%}
    {%- if key not in context.columns -%}
        {%- set found = [] -%}
        {%- for node in (graph.get('nodes', {}).values() if execute else []) if node.resource_type == 'test' and node.test_metadata
            and (node.attached_node or '').endswith('.' ~ model_name) and not node.config.get('where') and (node.config.get('severity') or 'error') | lower == 'error'
            and (node.config.get('error_if') or '!= 0') == '!= 0' -%}
            {%- set told = node.test_metadata.kwargs -%}
            {%- if node.test_metadata.name == name and node.column_name == column -%}
                {%- do found.append(told) -%}
            {%- elif node.test_metadata.name == 'column_rules' and column in (told.get(name) or []) -%}
                {%- do found.append({'values': told[name][column]} if name == 'accepted_values' else {}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do context.columns.update({key: found}) -%}
    {%- endif -%}
    {{ return(context.columns[key]) }}
{%- endmacro %}

{#- Nothing: warns in a build of texts that no row has, with the nearest that one has. -#}
{% macro warn_of_absent_values(context) -%}
    {%- set parts, asked = [], [] -%}
    {%- for one in context.texts -%}
        {%- set same = asked | selectattr('model', 'equalto', one.model) | selectattr('column', 'equalto', one.column) | selectattr('value', 'equalto', one.value) | list -%}
        {%- if not same -%}
            {%- do parts.append('select ' ~ asked | length ~ ' as place, count(*) as found from (select 1 as one from ' ~ headwater.model_ref(one.model) ~ ' where ' ~ one.column ~ ' = '
                ~ headwater.string_literal(one.value) ~ ' limit 1) as rows_with_it') -%}
            {%- do asked.append(one) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for row in (run_query(parts | join(' union all ') ~ ' order by 1') if parts else []) if row[1] | int == 0 -%}
        {%- set one = asked[row[0] | int] -%}
        {%- set there = [] -%}
        {%- for value in run_query('select distinct ' ~ one.column ~ ' as value from ' ~ headwater.model_ref(one.model) ~ ' where ' ~ one.column ~ ' is not null order by 1 limit 200') -%}
            {%- do there.append(value[0] | string) -%}
        {%- endfor -%}
        {%- do exceptions.warn(headwater._sentence(context.name ~ ', ' ~ one.path ~ ": no row of " ~ one.model ~ " has " ~ one.column ~ " '" ~ one.value ~ "'" ~ headwater.nearest(one.value, there))) -%}
    {%- endfor -%}
{%- endmacro %}
