{#- Value: {types, dates, is_complete}: the columns of a model by name and what kind of value each has (text, number, boolean, time, or none
    where it is not known), which of those of time are days, and whether there are no others. The properties of the model tell, and where they need not be complete, the
    warehouse. While dbt parses nothing is known. -#}
{% macro model_columns(name) -%}
    {%- set types = {} -%}
    {%- set dates = [] -%}
    {%- set node = headwater.node_named(name) if execute else none -%}
    {%- if not node -%}
        {{ return({'types': types, 'dates': dates, 'is_complete': false}) }}
    {%- endif -%}
    {%- for column in node.columns.values() -%}
        {%- do types.update({column.name: headwater._kind_of_type(column.data_type)}) -%}
        {%- do dates.append(column.name) if (column.data_type or '') | lower | trim == 'date' -%}
    {%- endfor -%}
    {%- if node.config.get('contract', {}).get('enforced') -%}
        {{ return({'types': types, 'dates': dates, 'is_complete': true}) }}
    {%- endif -%}
    {%- set relation = none if headwater.is_offline() else adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
    {%- for column in (adapter.get_columns_in_relation(relation) if relation else []) -%}
        {%- if types.get(column.name | lower) is none -%}
            {%- do types.update({column.name | lower: headwater._kind_of_type(column.data_type)}) -%}
            {%- do dates.append(column.name | lower) if (column.data_type or '') | lower | trim == 'date' -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'types': types, 'dates': dates, 'is_complete': relation is not none}) }}
{%- endmacro %}

{#- Text: why the members of a model are not of an entity, or nothing. An audience that is a definition says its entity; any other has the
    key of its own, and not that of the other if it is to have `one_key`. While dbt parses nothing is known. -#}
{% macro wrong_entity(name, entity, one_key=true) -%}
    {%- set node = headwater.node_named(name) if execute else none -%}
    {%- if not node -%}
        {{ return('') }}
    {%- endif -%}
    {%- set entities = headwater.audience_entities() -%}
    {%- set meta = node.config.get('meta') or {} -%}
    {%- set told = (meta.get('audience') or {}).get('entity', 'person') if 'audience' in meta else meta.get('entity') -%}
    {%- if not told -%}
        {%- set columns = headwater.model_columns(name).types -%}
        {%- set found = [] -%}
        {%- for one, facts in entities.items() if facts.key in columns -%}
            {%- do found.append(one) -%}
        {%- endfor -%}
        {%- if found | length > 1 and not one_key -%}
            {{ return('') }}
        {%- elif found | length > 1 -%}
            {{ return(name ~ " has both profile_id and account_id; say which of the two its members are, in its properties: config: {meta: {entity: person}} or account") }}
        {%- endif -%}
        {%- set told = found[0] if found else none -%}
    {%- endif -%}
    {%- if told and told != entity -%}
        {{ return(name ~ " is an audience of entity " ~ told ~ ", and entity " ~ entity ~ " is wanted here"
            ~ ('' if [told, entity] | sort != ['account', 'person'] else ": put it into account: {member_of: " ~ name ~ "}, for the contacts of these companies" if told == 'account' else ": put it into contacts: {who: {member_of: " ~ name ~ "}}, for companies with such contacts")) }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}

{% macro _kind_of_type(data_type) -%}
    {%- set name = modules.re.sub('\\(.*', '', (data_type or '') | lower) | trim -%}
    {%- if modules.re.search('\\[\\]$|^array|<', (data_type or '') | lower) and not modules.re.search('^(struct|map|object)', name) -%}
        {{ return('list') }}
    {%- elif modules.re.search('[^a-z0-9_ ]|^interval', name) -%}
        {{ return(none) }}
    {%- elif modules.re.match('bool', name) -%}
        {{ return('boolean') }}
    {%- elif modules.re.match('date|timestamp', name) -%}
        {{ return('time') }}
    {%- elif name in ['string', 'text', 'varchar', 'char', 'character', 'character varying', 'nvarchar', 'bpchar'] -%}
        {{ return('text') }}
    {%- elif modules.re.match('u?(tiny|small|big|huge|byte)?int|numeric|decimal|bignumeric|number|float|double|real', name) -%}
        {{ return('number') }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
