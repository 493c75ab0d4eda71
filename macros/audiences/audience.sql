{#- Relation-shaped query, the whole of an audience model: who meets a YAML definition (docs/add-an-audience.md).
    Columns: profile_id or account_id, is_holdout, qualified_at. Every model the definition names is captured as a ref, and
    the definition itself is kept in the manifest as `meta.audience`. -#}
{% macro audience(definition) -%}
{%- if headwater.is_switched_off() -%}
    {{ return('') }}
{%- endif -%}
{%- set made = headwater.compiled_audience(definition, model.name) -%}
{%- set context, limit, sample, holdout = made.context, made.limit, made.sample, made.holdout -%}
{{- config(meta={'audience': made.parsed}) -}}
with

{{ headwater._candidates_cte(context) }}

qualified as (

    select
        {{ context.candidate_key }}
        {%- if limit %},
        row_number() over (
            order by candidates.{{ limit.by }} desc nulls last, {{ context.candidate_key }} asc
        ) as place
        {%- endif %}

    from candidates

    where
        {{ headwater.rule_expression(made.tree) }}
        {%- if sample %}
        and {{ headwater.in_sample(context.candidate_key, sample.percent, sample.salt) }}
        {%- endif %}

),

members as (

    select
        qualified.{{ context.key }},
        {{ headwater.in_holdout('qualified.' ~ context.key, holdout.percent, holdout.salt) if holdout else 'false' }} as is_holdout,
        {{ headwater.cdp_now() }} as qualified_at

    from qualified
    {%- if limit %}

    where qualified.place <= {{ limit.top }}
    {%- endif %}

)

select * from members
{%- endmacro %}

{#- Value: {parsed, context, tree, limit, sample, holdout}: a definition, as YAML or read already, compiled; every mistake is told at once. `name`
    is the audience's, which its holdout and sample are drawn by unless they have a salt. -#}
{% macro compiled_audience(definition, name) -%}
    {%- set parsed = definition if definition is mapping else headwater.read_definition(definition, "entity:, then all:, any: or one condition") -%}
    {%- set context = headwater.audience_context(parsed.get('entity', 'person'), zone=parsed.get('zone')) -%}
    {%- do context.update({'name': name}) -%}
    {%- set settings = ['entity', 'zone', 'sample', 'holdout', 'limit'] -%}
    {%- set condition = headwater._rest(parsed, settings + headwater._misspelt_settings(context, parsed, settings)) -%}
    {%- set tree = headwater.rule_tree(context, condition, '') -%}
    {%- set made = {
        'parsed': parsed, 'context': context, 'tree': tree,
        'limit': headwater._audience_limit(context, parsed['limit']) if 'limit' in parsed else none,
        'sample': headwater._share(context, parsed['sample'], 'sample') if 'sample' in parsed else none,
        'holdout': headwater._share(context, parsed['holdout'], 'holdout') if 'holdout' in parsed else none,
    } -%}
    {%- do headwater.stop_for(context.problems if definition is mapping else headwater.with_lines(definition, context.problems)) -%}
    {{ return(made) }}
{%- endmacro %}

{#- CTE: every row of the entity, with what the conditions turned out to use. -#}
{% macro _candidates_cte(context) -%}
candidates as (

    select
        {{ context.model }}.{{ context.key }}
        {%- for trait in context.traits %},
        {{ context.model }}.{{ trait }}
        {%- endfor %}
        {%- for figure in context.figures %},
        {{ figure }} as figure_{{ loop.index }}
        {%- endfor %}

    from {{ ref(context.model) }} as {{ context.model }}

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
        'models': {},
        'leaves': [],
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
        {%- if added is not mapping or added[name] is not mapping or added[name] | list | sort != ['key', 'model'] or name in entities -%}
            {{ headwater.audience_error('vars: cdp_entities', "wants a model and its key for each new entity, such as {household: {model: households, key: household_id}}") }}
        {%- endif -%}
        {%- do entities.update({name: added[name]}) -%}
    {%- endfor -%}
    {{ return(entities) }}
{%- endmacro %}

{#- Value: keys beside the condition that are near the name of a setting and no part of a condition; they are noted. -#}
{% macro _misspelt_settings(context, parsed, settings) -%}
    {%- set found = [] -%}
    {%- for key in parsed if key not in settings + ['same'] and (key in ['percent', 'salt', 'top', 'by'] or headwater.nearest(key, settings))
            and not headwater.nearest(key, ['contacts', 'account', 'at_least', 'at_most']) -%}
        {%- do found.append(key) -%}
        {%- do headwater.note_problem(context, '', "'" ~ key ~ "' is no setting of an audience, of " ~ settings | join(', ') ~ headwater.nearest(key, settings)) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro _audience_limit(context, limit) -%}
    {%- if limit is not mapping or limit.get('top') is not integer or limit['top'] < 1 or 'by' not in limit -%}
        {%- do headwater.note_problem(context, 'limit', "wants {top: a whole number, 1 or more, by: a trait}") -%}
    {%- endif -%}
    {%- if limit is mapping -%}
        {%- do headwater.note_unknown_keys(context, limit, ['top', 'by'], 'limit') -%}
        {%- set type = headwater.use_trait(context, limit.get('by'), 'limit.by') -%}
        {%- if (type or 'number') not in ['number', 'time'] -%}
            {%- do headwater.note_problem(context, 'limit.by', "wants a trait that is a number or a time, and '" ~ limit['by'] ~ "' is of " ~ type) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(limit) }}
{%- endmacro %}

{#- Value: {percent, salt} of a sample or holdout. -#}
{% macro _share(context, setting, path) -%}
    {%- if setting is not mapping or setting.get('percent') is boolean or setting.get('percent') is not number or setting['percent'] < 0 or setting['percent'] > 100 -%}
        {%- do headwater.note_problem(context, path, "wants {percent: 0 to 100, salt: a word}") -%}
    {%- endif -%}
    {%- if setting is not mapping -%}
        {{ return({'percent': 0, 'salt': ''}) }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, setting, ['percent', 'salt'], path) -%}
    {%- set salt = setting.get('salt', context.name) -%}
    {%- if salt is not string or not salt -%}
        {%- do headwater.note_problem(context, path ~ '.salt', "wants a word in quotes, not " ~ salt) -%}
    {%- endif -%}
    {{ return({'percent': setting.get('percent', 0), 'salt': salt}) }}
{%- endmacro %}
