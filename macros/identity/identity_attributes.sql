{#- Value: the attributes by which people are told apart (`attributes` of an entity's rules): {name, kind, how} each, once over all
    entities; `how` is the kind's entry of matching_kinds. Empty where none is declared, and then nothing is compared. With `is_own` those
    alone that families do not share. -#}
{% macro identity_attributes(entities, is_own=false) -%}
    {%- set attributes, names = [], [] -%}
    {%- set kinds = headwater.matching_kinds() if entities | map(attribute='attributes') | select | list else {} -%}
    {%- for entity in entities -%}
        {%- for name, told in entity.attributes.items() if name not in names -%}
            {%- set kind = (told or {}).get('kind', name) -%}
            {%- do names.append(name) -%}
            {%- set how = kinds[kind] -%}
            {%- if not (is_own and how.get('shared', false)) -%}
                {%- do attributes.append({'name': name, 'kind': kind, 'how': how}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(attributes) }}
{%- endmacro %}

{#- Relation-shaped query: records that have any of `attributes`: record_node, and a column for each by its name. -#}
{% macro records_with_attributes(attributes) -%}
select
    record_node{% for attribute in attributes %},
    {{ attribute.name }}_attribute as {{ attribute.name }}
    {%- endfor %}

from {{ ref('headwater', 'identity_records') }}

where
    {%- for attribute in attributes %}
    {{ "or " if not loop.first }}{{ attribute.name }}_attribute is not null
    {%- endfor %}
{%- endmacro %}

{#- Expression: a record's attribute as it is compared; null where its source does not declare it, or the entity does not ask. -#}
{% macro identity_attribute_value(attribute, entity, source) -%}
    {%- set column = source.attributes.get(attribute.name) or source.matching.get(attribute.name) -%}
    {%- set column = column.column if column is mapping else column -%}
    {%- if not column or attribute.name not in entity.attributes -%}
        {{ return("cast(null as " ~ dbt.type_string() ~ ")") }}
    {%- endif -%}
    {{ return(headwater._prepared(attribute.how, column)) }}
{%- endmacro %}

{#- Expression: 1 where two values of an attribute agree, 0 where they are merely alike, -1 where they are hardly so, -2 where they contradict, null
    where one is missing. The kind's levels of comparison say which: equal, close, swapped and short forms agree, slips of the pen are alike, and so is
    what the kind itself calls `alike` (Bob, Robert); names of one initial (Bartek, Benigna) it calls `hardly` so. `left` and `right` are relations that have a column for each of `attributes`. -#}
{% macro identity_attribute_compared(attribute, attributes, left, right) -%}
    {%- set agreeing = ['exact', 'close', 'short form', 'swapped'] -%}
    {%- set alike = ['similar', 'one character', 'contained', 'longer form', 'same mailbox', 'same ending', 'one digit'] -%}
    {%- set names = {} -%}
    {%- for other in attributes -%}{%- do names.update({other.kind: other.name}) -%}{%- endfor -%}
    {%- set l, r = left ~ '.' ~ attribute.name, right ~ '.' ~ attribute.name -%}
    {%- set swaps = 'first_name' in names and 'last_name' in names -%}
    case
        when {{ l }} is null or {{ r }} is null then null
        {%- if attribute.how.missing is defined and swaps %}
        when {{ headwater._identity_sides(attribute.how.missing, names, left, right) }} then 0
        {%- endif %}
        {#- Carla and Marta are similar, and two: a slip leaves a first name close, or similar and its initial. #}
        {%- for label, condition in attribute.how.levels
            if label in agreeing + alike and not (attribute.kind == 'first_name' and label == 'similar') and (swaps or '{l.' not in condition) %}
        when {{ headwater._matching_sides(headwater._identity_sides(condition, names, left, right), l, r) }} then {{ 1 if label in agreeing else 0 }}
        {%- endfor %}
        {%- if attribute.how.alike is defined %}
        when {{ headwater._matching_sides(attribute.how.alike, l, r) }} then 0
        {%- endif %}
        {%- if attribute.how.hardly is defined %}
        when {{ headwater._matching_sides(attribute.how.hardly, l, r) }} then -1
        {%- endif %}
        else -2
    end
{%- endmacro %}

{#- Value: a condition with another kind of the two sides ({l.kind}, {r.kind}) by the name of its attribute. -#}
{% macro _identity_sides(condition, names, left, right) -%}
    {%- set sql = namespace(text=condition) -%}
    {%- for kind, name in names.items() -%}
        {%- set sql.text = sql.text.replace('{l.' ~ kind ~ '}', left ~ '.' ~ name).replace('{r.' ~ kind ~ '}', right ~ '.' ~ name) -%}
    {%- endfor -%}
    {{ return(sql.text) }}
{%- endmacro %}

{#- Expression: the place of a row's type among those of its entity, the most trusted first and then by name: the two engines of dbt read
    settings in different orders. -#}
{% macro identity_type_place(entities, prefix='') -%}
    case
        {%- for entity in entities %}
        {%- for rule in entity.identifiers | sort(attribute='type') | sort(attribute='tier') %}
        when {{ prefix }}entity = {{ headwater.string_literal(entity.name) }} and {{ prefix }}identifier_type = {{ headwater.string_literal(rule.type) }} then {{ loop.index }}
        {%- endfor %}
        {%- endfor %}
        else 0
    end
{%- endmacro %}

{#- Expression: whether a row's type (columns entity and identifier_type) is exclusive, or strong: exclusive, and shared with nobody; or
    foldable: strong, and no tax id, of which one entity has one; or repeatable: foldable, and a merge may lead to several. -#}
{% macro identity_types_where(entities, wanted, prefix='') -%}
    {%- set conditions = ['1 = 0'] -%}
    {%- for entity in entities -%}
        {%- for rule in entity.identifiers
            if rule.exclusive and (wanted == 'exclusive' or rule.max_exclusive_ids is none)
            and (wanted not in ['foldable', 'repeatable'] or rule.kind != 'tax_id') and (wanted != 'repeatable' or rule.merge_limit != 1) -%}
            {%- do conditions.append('(' ~ prefix ~ 'entity = ' ~ headwater.string_literal(entity.name)
                ~ ' and ' ~ prefix ~ 'identifier_type = ' ~ headwater.string_literal(rule.type) ~ ')') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')') }}
{%- endmacro %}

{#- Value: how many values of an exclusive type, {entity, type, most} each, an id of another may have been seen with; even a person of many
    addresses has no more. -#}
{% macro identity_crowds(entities) -%}
    {%- set crowds = [] -%}
    {%- for entity in entities -%}
        {%- for rule in entity.identifiers if rule.exclusive and rule.limit and not rule.disposable -%}
            {%- do crowds.append({'entity': entity.name, 'type': rule.type, 'most': [10, 2 * rule.limit] | max}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(crowds) }}
{%- endmacro %}

{#- Value: how many people, told apart by attributes, may carry a value before it is set aside by itself. -#}
{% macro identity_most_people() -%}
    {{ return(4) }}
{%- endmacro %}

{#- Condition, with `and` before it: no rule lists the value under `allowed_values`. Empty where no rule lists any. -#}
{% macro identity_not_allowed(entities, prefix='') -%}
    {%- set conditions = [] -%}
    {%- for entity in entities -%}
        {%- for rule in entity.identifiers if rule.allowed_values -%}
            {%- set values = [] -%}
            {%- for value in rule.allowed_values -%}{%- do values.append(headwater.string_literal(value | string)) -%}{%- endfor -%}
            {%- do conditions.append(' and not (' ~ prefix ~ 'entity = ' ~ headwater.string_literal(entity.name) ~ ' and ' ~ prefix ~ 'identifier_type = '
                ~ headwater.string_literal(rule.type) ~ ' and ' ~ prefix ~ 'identifier_value in (' ~ values | join(', ') ~ '))') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(conditions | join('')) }}
{%- endmacro %}
