{#- Text, one JSON document, what `sync audience` asks dbt for: an audience's compiled rule tree and the queries that answer for it. `definition` is
    YAML or read already; nothing is built. rows: each row of the entity, with leaf_1, leaf_2, ..., would_1, ... (whether it would be in if that
    leaf alone were otherwise), is_met, is_sampled, is_member and is_holdout. reach: members and, per sync of the entity, whom it could reach. -#}
{% macro audience_questions(definition, name) -%}
    {%- set made = headwater.compiled_audience(definition, name) -%}
    {%- if made is none -%}
        {{ return('') }}
    {%- endif -%}
    {%- set rows = headwater.audience_rows(made) -%}
    {%- set reaches = headwater._audience_reaches(made.context) -%}
    {#- Figures have no name that would tell anybody something. -#}
    {%- set shown = [] -%}
    {%- for trait in made.context.traits if not modules.re.fullmatch('told_[0-9]+', trait) -%}
        {%- do shown.append(trait) -%}
    {%- endfor -%}
    {{ return(tojson({
        'name': name,
        'entity': made.context.entity,
        'key': made.context.key,
        'model': made.context.model,
        'shown': shown,
        'sentence': headwater._audience_sentence(made),
        'leaves': headwater._told_leaves(made.tree),
        'settings': made.parsed | select('in', ['sample', 'limit', 'holdout']) | list,
        'rows': rows,
        'reach': headwater._reach_query(made.context, rows, reaches),
        'reaches': reaches,
        'relation': headwater.model_ref(made.context.model) | string,
        'is_of_each': 'limit' not in made.parsed and not headwater._asks_others(made.parsed, made.context),
        'consent': headwater._consent_query(made.context, rows) if made.context.entity == 'person' else none,
    })) }}
{%- endmacro %}

{#- Value: whether a definition asks for more of somebody than is known of them alone: a group's figure, a rank, a company, a household. -#}
{% macro _asks_others(told, context) -%}
    {%- if told is mapping -%}
        {%- set others = ['mean', 'median', 'percentile', 'rank', 'tile', 'account', 'contacts', 'people'] + headwater.audience_entities() | list -%}
        {%- for key, value in told.items() -%}
            {%- if key in others and key != 'person' or headwater._asks_others(value, context) or (key in ['>', '>=', '<', '<=', 'equals'] and value is mapping and ('min' in value or 'max' in value)) -%}
                {{ return(true) }}
            {%- endif -%}
        {%- endfor -%}
    {%- elif told is iterable and told is not string -%}
        {%- for one in told -%}
            {%- if headwater._asks_others(one, context) -%}
                {{ return(true) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro %}

{#- Relation-shaped query: every row of an audience's entity, judged leaf by leaf; `made` comes from compiled_audience(). -#}
{% macro audience_rows(made) -%}
{%- set context, limit, sample, holdout = made.context, made.limit, made.sample, made.holdout -%}
{%- set key = context.key -%}
{%- set in_groups = holdout and holdout.groups -%}
{%- set is_member = 'placed.is_met and placed.is_sampled' ~ (' and placed.place between 1 and ' ~ limit.top if limit else '') -%}
with

{{ headwater._candidates_cte(context, with_scans=false) }}

{#- A CTE each: a subquery after IN is for WHERE alone on Snowflake (docs.snowflake.com/en/user-guide/querying-subqueries). What leaves share is joined once,
    behind these, which a warehouse may read `candidates` anew for. #}
{%- for leaf in context.leaves if leaf.shared is not defined %}
meets_{{ leaf.number }} as (

    select candidates.{{ key }}

    from candidates

    where {{ leaf.sql }}

),

{% endfor -%}
leaves as (

    select
        candidates.{{ key }}
        {%- for trait in context.traits %},
        candidates.{{ trait }}
        {%- endfor %}
        {%- for leaf in context.leaves %},
        ({{ leaf.shared.sign ~ leaf.shared.column if leaf.shared is defined else 'meets_' ~ leaf.number ~ '.' ~ key ~ ' is not null' }}) as leaf_{{ leaf.number }}
        {%- endfor %},
        ({{ headwater.in_sample(context.candidate_key, sample.percent, sample.salt) if sample else '1 = 1' }}) as is_sampled

    from candidates
    {{- headwater.scan_joins(context, 'candidates') }}
    {%- for leaf in context.leaves if leaf.shared is not defined %}

    left join meets_{{ leaf.number }}
        on candidates.{{ key }} = meets_{{ leaf.number }}.{{ key }}
    {%- endfor %}

),

met as (

    select
        leaves.*
        {%- for leaf in context.leaves %},
        ({{ headwater.rule_expression(made.tree, 'leaves', leaf.number) }}) as would_{{ leaf.number }}
        {%- endfor %},
        ({{ headwater.rule_expression(made.tree, 'leaves') }}) as is_met

    from leaves

),

placed as (

    select
        met.*,
        {{ 'coalesce(limited.place, 0)' if limit else '1' }} as place

    from met
    {%- if limit %}

    left join {{ headwater.limit_places(context, limit, 'met', 'met.is_met and met.is_sampled') }} as limited
        on met.{{ key }} = limited.{{ key }}
    {%- endif %}

),

judged as (

    select
        placed.*,
        ({{ is_member }}) as is_member,
        {%- if in_groups %}
        coalesce(drawn.is_held, 1 = 0) as is_holdout
        {%- else %}
        ({{ headwater.held_out_by_chance('placed.' ~ key, [holdout, made.everywhere]) }}) as is_holdout
        {%- endif %}

    from placed
    {%- if in_groups %}

    left join {{ headwater.held_out_in_groups(context, holdout, made.everywhere, 'placed', is_member | replace('placed.', 'members.')) | indent(4) }} as drawn
        on placed.{{ key }} = drawn.{{ key }}
    {%- endif %}

)

select * from judged
{%- endmacro %}

{#- Value: the leaves in the order they stand in, each with is_negated, whether a member must not meet it. -#}
{% macro _told_leaves(tree, is_negated=false) -%}
    {%- if tree.kind == 'leaf' -%}
        {{ return([{'number': tree.number, 'path': tree.path, 'words': tree.words, 'is_negated': is_negated, 'sql': tree.sql}]) }}
    {%- endif -%}
    {%- set told = [] -%}
    {%- for one in tree.of -%}
        {%- set turns = tree.kind == 'not' or (tree.kind == 'points' and tree.points[loop.index0] < 0) -%}
        {%- do told.extend(headwater._told_leaves(one, is_negated != turns)) -%}
    {%- endfor -%}
    {{ return(told) }}
{%- endmacro %}

{#- Text: who is in the audience, in plain words. -#}
{% macro _audience_sentence(made) -%}
    {%- set many = {'person': 'people', 'account': 'companies'}.get(made.context.entity, 'those of ' ~ made.context.model) -%}
    {%- set text = many ~ ' who meet: ' ~ headwater.rule_sentence(made.tree) -%}
    {%- set text = text ~ ('; a random ' ~ made.sample.percent ~ ' percent of them' if made.sample else '') -%}
    {%- set text = text ~ ('; the first ' ~ made.limit.top ~ ' ' ~ made.limit.words if made.limit else '') -%}
    {{ return(text ~ ('; ' ~ made.holdout.percent ~ ' percent ' ~ ('of each ' ~ made.holdout.groups | join(' and ') ~ ' ' if made.holdout.groups else '') ~ 'are held out' if made.holdout else '')
        ~ ('; the ' ~ made.everywhere.percent ~ ' percent whom every audience holds out' if made.everywhere else '')) }}
{%- endmacro %}

{#- Value: whom each destination can reach, [{destination, consent, reached_by, syncs}]: the syncs of the entity as their activation models say,
    those of one destination that ask for the same together. -#}
{% macro _audience_reaches(context) -%}
    {%- set reaches = [] -%}
    {%- for exposure in (graph.get('exposures', {}).values() if execute else []) -%}
        {%- set sync = (exposure.config.get('meta') or {}).get('sync') -%}
        {%- for unique_id in (exposure.depends_on.nodes if sync is mapping else []) -%}
            {%- set node = graph.nodes.get(unique_id) -%}
            {%- set told = ((node.config.get('meta') or {}).get('activation') or {}) if node else {} -%}
            {%- if told.get('entity') == context.entity and sync.get('mode') != 'remove' -%}
                {%- set reach = {'destination': sync['destination'], 'consent': told.get('consent'), 'reached_by': told.get('reached_by') or []} -%}
                {%- set same = reaches | selectattr('destination', 'equalto', reach.destination) | selectattr('consent', 'equalto', reach.consent)
                    | selectattr('reached_by', 'equalto', reach.reached_by) | list -%}
                {%- if same -%}
                    {%- do same[0].syncs.append(exposure.name) -%}
                {%- else -%}
                    {%- do reach.update({'syncs': [exposure.name]}) -%}
                    {%- do reaches.append(reach) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(reaches | sort(attribute='destination')) }}
{%- endmacro %}

{#- Relation-shaped query, one row: members, held_out and reach_1, ... in the order of `reaches`. -#}
{% macro _reach_query(context, rows, reaches) -%}
{#- Before any branch: dbt reads refs while it parses, when no sync is known. -#}
{%- set consent_answers, suppressions = (ref('headwater', 'profile_consent'), ref('headwater', 'profile_suppressions')) if context.entity == 'person' else (none, none) -%}
{%- set key, model_name = context.key, context.model -%}
with

members as (

    select
        judged.{{ key }},
        judged.is_holdout

    from (
        {{ rows }}
    ) as judged

    where judged.is_member

)

select
    (select count(*) from members) as members,
    (select count(*) from members where members.is_holdout) as held_out
    {%- for reach in reaches %},
    (
        select count(*)

        from members

        inner join {{ headwater.model_ref(model_name) }} as {{ model_name }}
            on members.{{ key }} = {{ model_name }}.{{ key }}

        where
            not members.is_holdout
            {%- if context.entity == 'person' %}
            and not {{ headwater.in_keys('members.profile_id', 'rules.profile_id', suppressions ~ ' as rules where ' ~ headwater._suppressed_for(reach.consent)) }}
            {%- if reach.consent %}
            and {{ headwater.in_keys(
                'members.profile_id', 'answers.profile_id',
                consent_answers ~ " as answers where answers.state = 'opted_in' and answers.channel = " ~ headwater.string_literal(reach.consent['channel'])
                ~ ' and answers.purpose = ' ~ headwater.string_literal(reach.consent['purpose'])
            ) }}
            {%- endif %}
            {%- endif %}
            {%- if reach.reached_by %}
            and coalesce({{ headwater._as_texts(reach.reached_by) | join(', ') }}) is not null
            {%- endif %}
    ) as reach_{{ loop.index }}
    {%- endfor %}
{%- endmacro %}

{% macro _suppressed_for(consent) -%}
    {{ return("(rules.reason = 'erasure'" ~ (" or rules.channel in ('all', " ~ headwater.string_literal(consent['channel']) ~ ')' if consent else '') ~ ')') }}
{%- endmacro %}

{#- Relation-shaped query: per channel and purpose, how many members agreed and are not suppressed there: channel, purpose, members. -#}
{% macro _consent_query(context, rows) -%}
select
    answers.channel,
    answers.purpose,
    count(distinct members.profile_id) as members

from (
    {{ rows }}
) as members

inner join {{ ref('headwater', 'profile_consent') }} as answers
    on members.profile_id = answers.profile_id

left join {{ ref('headwater', 'profile_suppressions') }} as rules
    on members.profile_id = rules.profile_id
    and (rules.channel in ('all', answers.channel) or rules.reason = 'erasure')

where
    members.is_member
    and answers.state = 'opted_in'
    and rules.profile_id is null

group by answers.channel, answers.purpose

order by answers.channel, answers.purpose
{%- endmacro %}
