{#- Relation-shaped query, the whole of an audience model: who meets a YAML definition (docs/add-an-audience.md).
    Columns: profile_id or account_id, is_holdout, qualified_at. Every model the definition names is captured as a ref, and
    the definition itself is kept in the manifest as `meta.audience`. -#}
{% macro audience(definition) -%}
{%- set parsed = fromyaml(definition) -%}
{%- if parsed is not mapping -%}
    {{ headwater.audience_error('', "the definition is no YAML mapping; it wants entity:, then all:, any: or one condition") }}
{%- endif -%}
{%- set context = headwater.audience_context(parsed.get('entity', 'person')) -%}
{%- set settings = ['entity', 'sample', 'holdout', 'limit'] -%}
{%- set condition = {} -%}
{%- for key, value in parsed.items() if key not in settings -%}
    {%- do condition.update({key: value}) -%}
{%- endfor -%}
{{- config(meta={'audience': parsed}) -}}
{%- set predicate = headwater.audience_predicate(context, condition, '') -%}
{%- set limit = headwater._audience_limit(context, parsed.get('limit')) -%}
{%- if parsed.get('sample') -%}
    {%- set predicate = predicate ~ '\n    and ' ~ headwater.in_sample(context.candidate_key, headwater._percent(parsed['sample'], 'sample'), parsed['sample'].get('salt', model.name)) -%}
{%- endif -%}
{%- set holdout = parsed.get('holdout') -%}
with

candidates as (

    select
        {{ context.key }}
        {%- for trait in context.traits %},
        {{ trait }}
        {%- endfor %}

    from {{ ref(context.model) }}

),

qualified as (

    select
        {{ context.candidate_key }}
        {%- if limit %},
        row_number() over (
            order by candidates.{{ limit.by }} desc nulls last, {{ context.candidate_key }} asc
        ) as place
        {%- endif %}

    from candidates

    where {{ predicate }}

),

members as (

    select
        {{ context.key }},
        {{ headwater.in_holdout(context.key, headwater._percent(holdout, 'holdout'), holdout.get('salt', model.name)) if holdout else 'false' }} as is_holdout,
        {{ headwater.cdp_now() }} as qualified_at

    from qualified
    {%- if limit %}

    where place <= {{ limit.top }}
    {%- endif %}

)

select * from members
{%- endmacro %}

{#- Value: what the conditions of one entity are written over, and the traits they turn out to use. -#}
{% macro audience_context(entity) -%}
    {%- set entities = {'person': ['profiles', 'profile_id'], 'account': ['accounts', 'account_id']} -%}
    {%- if entity not in entities -%}
        {{ headwater.audience_error('entity', "'" ~ entity ~ "' is not one of person, account" ~ headwater.nearest(entity, entities)) }}
    {%- endif -%}
    {{ return({
        'entity': entity,
        'model': entities[entity][0],
        'key': entities[entity][1],
        'candidate_key': 'candidates.' ~ entities[entity][1],
        'traits': [],
    }) }}
{%- endmacro %}

{% macro _audience_limit(context, limit) -%}
    {%- if not limit -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if limit is not mapping or limit.get('top') is not integer or not limit.get('by') -%}
        {{ headwater.audience_error('limit', "wants {top: a whole number, by: a trait}") }}
    {%- endif -%}
    {%- do headwater.use_trait(context, limit['by'], 'limit.by') -%}
    {{ return(limit) }}
{%- endmacro %}

{% macro _percent(setting, path) -%}
    {%- if setting is not mapping or setting.get('percent') is not number or not 0 <= setting['percent'] <= 100 -%}
        {{ headwater.audience_error(path, "wants {percent: 0 to 100, salt: a word}") }}
    {%- endif -%}
    {{ return(setting['percent']) }}
{%- endmacro %}
