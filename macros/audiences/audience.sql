{#- Relation-shaped query, the whole of an audience model: who meets a YAML definition (docs/add-an-audience.md).
    Columns: profile_id or account_id, is_holdout, qualified_at. Every model the definition names is captured as a ref, and
    the definition itself is kept in the manifest as `meta.audience`. -#}
{% macro audience(definition) -%}
{%- if headwater.is_switched_off() -%}
    {{ return('') }}
{%- endif -%}
{%- if headwater.is_offline() and not execute -%}
    {#- `sync validate` reads each definition by itself, so that a wrong one does not hide the others. -#}
    {%- set told = fromyaml(definition, {}) -%}
    {{- config(meta={'audience': told} if told is mapping else {}) -}}
    {{ return('select 1 as one') }}
{%- endif -%}
{%- set made = headwater.compiled_audience(definition, model.name) -%}
{%- if made is none -%}
    {{ return('select 1 as one') }}
{%- endif -%}
{%- set context, limit, sample, holdout = made.context, made.limit, made.sample, made.holdout -%}
{%- set in_groups = holdout and holdout.groups -%}
{%- if execute and model.resource_type == 'model' and flags.WHICH in ['build', 'run', 'retry'] -%}
    {%- do headwater.warn_of_absent_values(context) -%}
{%- endif -%}
{{- config(meta={'audience': made.parsed}) -}}
with

{{ headwater._candidates_cte(context) }}

qualified as (

    select {{ context.candidate_key }}{% for column in headwater._columns_kept(made) %}, candidates.{{ column }}{% endfor %}

    from candidates

    where
        {{ headwater.rule_expression(made.tree) }}
        {%- if sample %}
        and {{ headwater.in_sample(context.candidate_key, sample.percent, sample.salt) }}
        {%- endif %}

),

{{ 'chosen' if in_groups else 'members' }} as (

    select
        qualified.{{ context.key }},
        {%- if in_groups %}
        {%- for group in holdout.groups if group != context.key %}
        qualified.{{ group }},
        {%- endfor %}
        {%- else %}
        {{ headwater.held_out_by_chance('qualified.' ~ context.key, [holdout, made.everywhere]) if holdout or made.everywhere else 'false' }} as is_holdout,
        {%- endif %}
        {{ headwater.cdp_now() }} as qualified_at

    from qualified
    {%- if limit %}

    inner join {{ headwater.limit_places(context, limit, 'qualified') }} as placed
        on qualified.{{ context.key }} = placed.{{ context.key }}

    where placed.place <= {{ limit.top }}
    {%- endif %}

)
{%- if in_groups %},

members as (

    select
        chosen.{{ context.key }},
        coalesce(drawn.is_held, 1 = 0) as is_holdout,
        chosen.qualified_at

    from chosen

    left join {{ headwater.held_out_in_groups(context, holdout, made.everywhere, 'chosen') | indent(4) }} as drawn
        on chosen.{{ context.key }} = drawn.{{ context.key }}

)
{%- endif %}

select * from members
{%- endmacro %}

{#- Value: {parsed, context, tree, limit, sample, holdout}: a definition, as YAML or read already, compiled; every mistake is told at once. `name`
    is the audience's, which its holdout and sample are drawn by unless they have a salt. None of a wrong one while dbt reads the project. -#}
{% macro compiled_audience(definition, name) -%}
    {%- set problems = [] -%}
    {%- set parsed = definition if definition is mapping else headwater.read_definition(definition, "entity:, then all:, any: or one condition", problems) -%}
    {%- set entities = headwater.audience_entities() -%}
    {%- set entity = (parsed or {}).get('entity', 'person') -%}
    {%- if entity not in entities -%}
        {%- do problems.append("entity: '" ~ entity ~ "' is not one of " ~ entities | join(', ') ~ headwater.nearest(entity, entities)) -%}
    {%- endif -%}
    {%- if headwater.is_wrong(problems if definition is mapping else headwater.with_lines(definition, problems)) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set is_theirs = parsed.get('zone') == 'theirs' -%}
    {%- set context = headwater.audience_context(entity, zone=none if is_theirs else parsed.get('zone')) -%}
    {%- do context.update({'name': name, 'their_zones': headwater.their_zones(context) if is_theirs else []}) -%}
    {%- set settings = headwater.definition_keys('audience') -%}
    {%- set condition = headwater._rest(parsed, settings + headwater._misspelt_settings(context, parsed, settings)) -%}
    {%- set tree = headwater.without_excluded(context, headwater.rule_tree(context, condition, ''), parsed.get('always_excluded', 'left_out')) -%}
    {%- do headwater.share_scans(context) -%}
    {%- set made = {
        'parsed': parsed, 'context': context, 'tree': tree,
        'limit': headwater._audience_limit(context, parsed['limit']) if 'limit' in parsed else none,
        'sample': headwater._share(context, parsed['sample'], 'sample', is_share=true) if 'sample' in parsed else none,
        'holdout': headwater.audience_holdout(context, parsed['holdout']) if 'holdout' in parsed else none,
        'everywhere': headwater.global_holdout(context, context.entity, parsed.get('global_holdout', 'held_out')),
    } -%}
    {%- if headwater.is_wrong(context.problems if definition is mapping else headwater.with_lines(definition, context.problems)) -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(made) }}
{%- endmacro %}

{#- Value: columns of candidates that the limit and the holdout look at once it is known who qualifies. -#}
{% macro _columns_kept(made) -%}
    {%- set columns = (made.limit.columns if made.limit else []) | list -%}
    {%- for group in (made.holdout.groups if made.holdout else []) if group not in columns and group != made.context.key -%}
        {%- do columns.append(group) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Value: a rule tree, and not whom `vars: cdp_always_excluded` names for the entity, unless the definition says `always_excluded: may_be_in`. -#}
{% macro without_excluded(context, tree, told) -%}
    {%- if told not in ['left_out', 'may_be_in'] -%}
        {%- do headwater.note_problem(context, 'always_excluded', "'" ~ told ~ "' is not one of left_out, may_be_in" ~ headwater.nearest(told, ['left_out', 'may_be_in'])) -%}
    {%- endif -%}
    {%- set excluded = headwater.setting('cdp_always_excluded').get(context.entity) -%}
    {%- if not excluded or told == 'may_be_in' -%}
        {{ return(tree) }}
    {%- endif -%}
    {{ return({'kind': 'all', 'of': [tree, {'kind': 'not', 'of': [headwater.rule_tree(context, excluded, 'vars: cdp_always_excluded.' ~ context.entity)]}]}) }}
{%- endmacro %}

{#- CTE: every row of the entity, with what the conditions turned out to use; the shared readings too, unless they are asked behind it. -#}
{% macro _candidates_cte(context, with_scans=true) -%}
candidates as (

    select
        {{ context.model }}.{{ context.key }}
        {%- for trait in context.traits %},
        {{ context.model }}.{{ trait }}
        {%- endfor %}
        {%- for figure in context.figures %},
        {{ figure }} as figure_{{ loop.index }}
        {%- endfor %}
        {%- for column in (headwater.scan_columns(context) if with_scans else []) %},
        {{ column }}
        {%- endfor %}

    from {{ headwater.entity_rows(context) }}
    {{- headwater.scan_joins(context, context.model) if with_scans }}

),
{%- endmacro %}

{#- Value: what the conditions of one entity are written over, the traits they turn out to use, and the mistakes found; `outer` is the
    context of a condition that this one stands in, `zone` the one of its days. -#}
{% macro audience_context(entity, outer=none, zone=none) -%}
    {%- set entities = headwater.audience_entities() -%}
    {%- if entity not in entities -%}
        {{ headwater.audience_error('entity', "'" ~ entity ~ "' is not one of " ~ entities | join(', ') ~ headwater.nearest(entity, entities)) }}
    {%- endif -%}
    {%- set problems = outer.problems if outer else [] -%}
    {{ return({
        'entity': entity,
        'model': entities[entity].model,
        'key': entities[entity].key,
        'candidate_key': 'candidates.' ~ entities[entity].key,
        'traits': [],
        'figures': [],
        'told': [],
        'texts': outer.texts if outer else [],
        'models': {},
        'is_kept': outer.is_kept if outer else false,
        'leaves': [],
        'scans': [],
        'their_zones': outer.get('their_zones', []) if outer else [],
        'zone': outer.zone if outer else headwater._definition_zone(problems, zone),
        'columns': outer.columns if outer else {},
        'dates': outer.dates if outer else [],
        'problems': problems,
    }) }}
{%- endmacro %}

{#- Value: {entity: {model, key}}: what audiences can be of, people, companies and what `vars: cdp_entities` adds, such as
    {household: {model: households, key: household_id}}. -#}
{% macro audience_entities() -%}
    {%- set entities = {'person': {'model': 'profiles', 'key': 'profile_id'}, 'account': {'model': 'accounts', 'key': 'account_id'}} -%}
    {%- set added = headwater.setting('cdp_entities') -%}
    {%- for name in (added if added is mapping else [added]) -%}
        {%- if added is not mapping or added[name] is not mapping or added[name] | list | sort not in [['key', 'model'], ['key', 'model', 'of']] or name in entities -%}
            {{ headwater.audience_error('vars: cdp_entities', "wants a model and its key for each new entity, such as {household: {model: households, key: household_id}}") }}
        {%- endif -%}
        {%- do entities.update({name: added[name]}) -%}
    {%- endfor -%}
    {{ return(entities) }}
{%- endmacro %}

{#- Value: keys beside the condition that are near the name of a setting and no part of a condition; they are noted. -#}
{% macro _misspelt_settings(context, parsed, settings) -%}
    {%- set found = [] -%}
    {%- for key in parsed if key not in settings + ['same'] + headwater.audience_entities() | list and (key in ['percent', 'salt', 'top', 'by'] or headwater.nearest(key, settings))
            and not headwater.nearest(key, ['contacts', 'account', 'at_least', 'at_most']) -%}
        {%- do found.append(key) -%}
        {%- do headwater.note_problem(context, '', "'" ~ key ~ "' is no setting of an audience, of " ~ settings | join(', ') ~ headwater.nearest(key, settings)) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Value: {top, columns, by, groups, is_per_account}: `limit: {top: 500, by: a trait, random or {figure: ...}, per: traits or account, from: lowest}`. -#}
{% macro _audience_limit(context, limit) -%}
    {%- set nothing = {'top': 1, 'columns': [], 'by': '', 'groups': [], 'is_per_account': false} -%}
    {%- if limit is not mapping or limit.get('top') is boolean or limit.get('top') is not integer or limit['top'] < 1 or 'by' not in limit -%}
        {%- do headwater.note_problem(context, 'limit', "wants {top: a whole number, 1 or more, by: a trait, {figure: ...} or random}") -%}
    {%- endif -%}
    {%- if limit is not mapping -%}
        {{ return(nothing) }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, limit, headwater.definition_keys('limit'), 'limit') -%}
    {%- set from = limit.get('from', 'highest') -%}
    {%- if from not in ['highest', 'lowest'] -%}
        {%- do headwater.note_problem(context, 'limit.from', "'" ~ from ~ "' is not one of highest, lowest" ~ headwater.nearest(from, ['highest', 'lowest'])) -%}
    {%- endif -%}
    {%- set columns, groups = [], [] -%}
    {%- set is_per_account = limit.get('per') == 'account' and context.entity == 'person' -%}
    {%- for trait in ([] if is_per_account or 'per' not in limit else [limit['per']] if limit['per'] is string or limit['per'] is not iterable else limit['per']) -%}
        {%- do headwater.use_trait(context, trait, 'limit.per') -%}
        {%- do groups.append(trait) -%}
    {%- endfor -%}
    {%- if limit.get('by') == 'random' -%}
        {%- set by = 'random' -%}
    {%- elif limit.get('by') is mapping -%}
        {%- do headwater.note_unknown_keys(context, limit['by'], ['figure'], 'limit.by') -%}
        {%- set told = headwater.told_figure(context, limit['by'].get('figure'), 'limit.by.figure') -%}
        {%- if headwater.told_type(context, told) in ['text', 'boolean'] -%}
            {%- do headwater.note_problem(context, 'limit.by.figure', "wants a figure that is a number or a time, and this one is of " ~ headwater.told_type(context, told)) -%}
        {%- endif -%}
        {%- set by = told.split('.')[-1] -%}
        {%- do columns.append(by) -%}
    {%- else -%}
        {%- set type = headwater.use_trait(context, limit.get('by'), 'limit.by') -%}
        {%- if (type or 'number') not in ['number', 'time'] -%}
            {%- do headwater.note_problem(context, 'limit.by', "wants a trait that is a number or a time, and '" ~ limit['by'] ~ "' is of " ~ type) -%}
        {%- endif -%}
        {%- set by = limit.get('by') | string -%}
        {%- do columns.append(by) if by != context.key -%}
    {%- endif -%}
    {%- for group in groups if group not in columns and group != context.key -%}
        {%- do columns.append(group) -%}
    {%- endfor -%}
    {{ return({
        'top': limit.get('top', 1), 'columns': columns, 'by': by, 'is_random': by == 'random', 'groups': groups, 'is_per_account': is_per_account,
        'is_lowest': from == 'lowest', 'words': headwater.rule_words(headwater._picked(limit, ['by', 'per', 'from'])),
    }) }}
{%- endmacro %}

{#- Relation-shaped query in brackets: the place of each row of `source` that `test` is true of: the key and place. With `per:` it begins anew for each
    group, and who is in none has no place; with `per: account` nobody has a better one than in any of their companies, and who is in none has the first. -#}
{% macro limit_places(context, limit, source, test='1 = 1') -%}
    {%- set key = source ~ '.' ~ context.key -%}
    {%- set by = headwater.md5_hex(dbt.concat([headwater.string_literal('limit|' ~ context.name ~ '|'), key])) if limit.is_random
        else source ~ '.' ~ limit.by ~ (' asc' if limit.is_lowest else ' desc') ~ ' nulls last' -%}
    {%- set partition, wheres = [], [test] -%}
    {%- for group in limit.groups -%}
        {%- do partition.append(source ~ '.' ~ group) -%}
        {%- do wheres.append(source ~ '.' ~ group ~ ' is not null') -%}
    {%- endfor -%}
    {%- do partition.append('contacts.account_id') if limit.is_per_account -%}
    {%- set place = 'row_number() over (' ~ ('partition by ' ~ partition | join(', ') ~ ' ' if partition) ~ 'order by ' ~ by ~ ', ' ~ key ~ ' asc)' -%}
    {%- if not limit.is_per_account -%}
        {{ return('(select ' ~ key ~ ', ' ~ place ~ ' as place from ' ~ source ~ ' where ' ~ wheres | join(' and ') ~ ')') }}
    {%- endif -%}
    {{ return(
        '(select by_account.' ~ context.key ~ ', max(by_account.place) as place from (select ' ~ key ~ ', case when contacts.account_id is null then 1 else ' ~ place ~ ' end as place from '
        ~ source ~ ' left join (select distinct account_id, profile_id from ' ~ headwater.model_ref('account_contacts', context) ~ ' where account_id is not null) as contacts on ' ~ key ~ ' = contacts.profile_id where '
        ~ wheres | join(' and ') ~ ') as by_account group by 1)'
    ) }}
{%- endmacro %}

{#- Value: {percent, salt} of a sample or holdout. -#}
{% macro _share(context, setting, path, is_share=false) -%}
    {%- if setting is not mapping or setting.get('percent') is boolean or setting.get('percent') is not number or setting['percent'] < 0 or setting['percent'] > 100 -%}
        {%- do headwater.note_problem(context, path, "wants {percent: 0 to 100, salt: a word}") -%}
    {%- elif is_share and setting['percent'] == 0 -%}
        {%- do headwater.note_problem(context, path ~ '.percent', "0 is nobody; write more, up to 100") -%}
    {%- endif -%}
    {%- if setting is not mapping -%}
        {{ return({'percent': 0, 'salt': ''}) }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, setting, headwater.definition_keys('share_setting'), path) -%}
    {%- set salt = setting.get('salt', context.name) -%}
    {%- if salt is not string or not salt -%}
        {%- do headwater.note_problem(context, path ~ '.salt', "wants a word in quotes, not " ~ salt) -%}
    {%- endif -%}
    {{ return({'percent': setting.get('percent', 0), 'salt': salt}) }}
{%- endmacro %}
