{#- What people entered by. A version is what a definition says, known by a hash; each that a build has seen is a row of `journey_versions` beside the
    ledger, and an entry's row in the log names its own. Who is inside goes on by the version they entered, which is compiled beside today's:

        log                         journey_versions                    the next build
        a entered v1  (inside)      1 v1 {steps: hello, 2d, second}     of_v1: a moves on by v1
        b entered v1  (left)        2 v2 {steps: hello, extra, second}  of_v2: c moves on by v2, and who comes in does
        c entered v2  (inside)

    `migrate: [v1]` in v2 is kept in its row, and puts a under of_v2 for good. -#}

{#- Text: the version that a definition is. -#}
{% macro journey_version(parsed) -%}
    {{ return('v' ~ local_md5(tojson(headwater._rest(parsed, ['migrate']), sort_keys=true))[:8]) }}
{%- endmacro %}

{#- Value: {id, current, kept, inside}: the version that people enter by now, the versions whose people go by it, and those whose people keep theirs,
    [{id, ids, inside, parsed, nodes}], the oldest first; `inside` is how many there are by version, '' those who entered before versions were kept. -#}
{% macro journey_versions(parsed, name, log) -%}
    {%- set rows = headwater._journey_versions_kept(name) -%}
    {%- set inside = headwater._journey_inside(parsed, log) if log else {} -%}
    {%- set migrates = parsed.get('migrate') or [] -%}
    {%- set id = headwater._journey_version_id(headwater.journey_version(parsed), rows) -%}
    {%- set rows = rows + [{'version': id, 'definition': none, 'migrates': migrates}] -%}
    {%- set known = rows | map(attribute='version') | list -%}
    {%- for one in migrates if one not in known -%}
        {%- do exceptions.warn(name ~ ', migrate: nobody entered by ' ~ one ~ ' here; there are ' ~ known | unique | join(', ') ~ headwater.nearest(one, known) ~ '.') -%}
    {%- endfor -%}
    {%- set current, kept = [id], [] -%}
    {%- for version in inside -%}
        {%- set goes_by = headwater._journey_goes_by(version or known[0], rows) -%}
        {%- set same = kept | selectattr('id', 'equalto', goes_by) | list -%}
        {%- if goes_by == id -%}
            {%- do current.append(version) if version not in current -%}
        {%- elif same -%}
            {%- do same[0].ids.append(version) -%}
            {%- do same[0].update({'inside': same[0].inside + inside[version]}) -%}
        {%- else -%}
            {%- do kept.append({'id': goes_by, 'ids': [version], 'inside': inside[version]}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for one in kept -%}
        {%- set row = rows | selectattr('version', 'equalto', one.id) | selectattr('definition') | first -%}
        {%- if not row -%}
            {{ headwater.audience_error('', "people are inside who entered by version " ~ one.id ~ ", and what it said is kept nowhere; say migrate: [" ~ one.id ~ "] and they go on by the definition as it is") }}
        {%- endif -%}
        {%- set told = fromjson(row.definition) -%}
        {%- do one.update({'parsed': told, 'nodes': headwater.journey_nodes(told, was_built=true), 'place': known.index(one.id)}) -%}
    {%- endfor -%}
    {{ return({'id': id, 'current': current, 'kept': kept | sort(attribute='place'), 'inside': inside}) }}
{%- endmacro %}

{#- Value: [{version, definition, migrates}] of a journey in the order in which builds first saw them. -#}
{% macro _journey_versions_kept(name) -%}
    {%- set table = headwater._journey_versions_table() -%}
    {%- set rows = [] -%}
    {%- for row in (run_query('select version, definition, migrates from ' ~ table ~ ' where journey_name = ' ~ headwater.string_literal(name) ~ ' order by version_number') if table else []) -%}
        {%- do rows.append({'version': row[0], 'definition': row[1], 'migrates': (row[2] or '').split()}) -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}

{#- Statement, behind a build of a journey that went well: its definition is kept, where it is not the last that a build saw; nothing else. -#}
{% macro keep_journey_version() -%}
    {%- if not execute -%}
        {{ return('') }}
    {%- endif -%}
    {%- set parsed = model.config.meta.journey -%}
    {%- set migrates = parsed.get('migrate') or [] -%}
    {%- set rows = headwater._journey_versions_kept(model.name) -%}
    {%- set id = headwater._journey_version_id(headwater.journey_version(parsed), rows) -%}
    {%- set table = headwater._journey_versions_table() -%}
    {%- if table and (not rows or rows[-1].version != id or rows[-1].migrates != migrates) -%}
        {{ return(
            'insert into ' ~ table ~ ' (journey_name, version_number, version, definition, migrates, kept_at) select ' ~ headwater.string_literal(model.name) ~ ', '
            ~ (rows | length + 1) ~ ', ' ~ headwater.string_literal(id) ~ ', ' ~ headwater.string_literal(tojson(headwater._rest(parsed, ['migrate']))) ~ ', '
            ~ headwater.string_literal(migrates | join(' ')) ~ ', ' ~ headwater.cdp_now()
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro _journey_versions_table() -%}
    {{ return(adapter.get_relation(database=target.database, schema=headwater._sync_schema(), identifier='journey_versions')) }}
{%- endmacro %}

{#- Text: a version's name in this warehouse. One whose people were moved on, and that is back, has another: who enters by it now stays in it. -#}
{% macro _journey_version_id(version, rows) -%}
    {%- set ids = [] -%}
    {%- for row in rows if row.version.split('_')[0] == version and row.version not in ids -%}
        {%- do ids.append(row.version) -%}
    {%- endfor -%}
    {%- if not ids or headwater._journey_goes_by(ids[-1], rows) == ids[-1] -%}
        {{ return(ids[-1] if ids else version) }}
    {%- endif -%}
    {{ return(version ~ '_' ~ (ids | length + 1)) }}
{%- endmacro %}

{#- Text: the version by which people go who entered by another. -#}
{% macro _journey_goes_by(version, rows) -%}
    {%- set at = namespace(version=version) -%}
    {%- for row in rows if at.version in row.migrates -%}
        {%- set at.version = row.version -%}
    {%- endfor -%}
    {{ return(at.version) }}
{%- endmacro %}

{#- Value: how many are inside by the version that they entered by, '' where the log does not say; who is known no more is no figure, but keeps the version. -#}
{% macro _journey_inside(parsed, log) -%}
    {%- set inside, key = {}, headwater.journey_key(parsed) -%}
    {%- set entity = headwater.audience_entities()[headwater.journey_entity(parsed)] -%}
    {%- for row in run_query(
        'select travellers.version, count(distinct ' ~ headwater._known_traveller('travellers', 'known', key) ~ ') from (' ~ headwater._journey_travellers(parsed, log) ~ ') as travellers left join '
        ~ headwater.model_ref(entity.model) ~ ' as known on travellers.' ~ key ~ ' = known.' ~ key ~ ' where not travellers.is_out group by 1 order by 1'
    ) -%}
        {%- do inside.update({row[0]: row[1] | int}) -%}
    {%- endfor -%}
    {{ return(inside) }}
{%- endmacro %}

{#- Expression: one entry of somebody who is known, null of anybody else. -#}
{% macro _known_traveller(travellers, known, key) -%}
    {{ return('case when ' ~ known ~ '.' ~ key ~ ' is not null then ' ~ headwater._traveller_id(travellers, key) ~ ' end') }}
{%- endmacro %}

{#- Expression: the version in the rows of a log, null in one that was built before versions were kept. -#}
{% macro _journey_version_column(log, alias) -%}
    {#- A table of a replay is named by a text, and has it. -#}
    {%- set columns = ['version'] if log is string else adapter.get_columns_in_relation(log) | map(attribute='name') | map('lower') | list -%}
    {{ return(alias ~ '.version' if 'version' in columns else headwater._text_or_null(none)) }}
{%- endmacro %}

{#- Relation: what a kept version of a journey names, as it is in the warehouse. -#}
{% macro kept_relation(context, name) -%}
    {%- set node = headwater.node_named(name) -%}
    {%- set relation = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) if node else none -%}
    {%- if not relation -%}
        {%- do headwater.note_problem(context, '', "there is no table of '" ~ name ~ "' any more") -%}
    {%- endif -%}
    {{ return(relation or name) }}
{%- endmacro %}

{#- Nothing, or a stop for what is wrong in a version that people keep, with the way out. -#}
{% macro stop_for_kept(context) -%}
    {%- if context.problems and context.is_kept -%}
        {{ headwater.audience_error('', context.inside ~ " people are inside who entered by version " ~ context.version ~ ", by which they cannot go on: " ~ context.problems[0]
            ~ "; say migrate: [" ~ context.version ~ "] and they go on by the definition as it is") }}
    {%- endif -%}
{%- endmacro %}
