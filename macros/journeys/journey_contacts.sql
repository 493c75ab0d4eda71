{#- A journey of companies (`entity: account`): the company waits, branches and leaves, and what a touchpoint sends goes to its contacts. A contact's row has
    profile_id, and a touchpoint_id of company, entry, step and contact; the company's own row has none, and says how the step ended for it:

        account_id  node    profile_id  node_type   outcome        touchpoint_id
        acme        entry               entry       entered
        acme        mail    anna        touchpoint  due            5c1e...
        acme        mail.delayed  ben   delay       quiet
        acme        mail    ben         touchpoint  due            90aa...         the build after the quiet hour
        acme        mail                touchpoint  written                        nobody waits any more: the company goes on
        acme        call                touchpoint  due            17b2...         a task is one for the company, unless it says contacts:

    Who is a contact is asked in each build until the company goes on, and who has had it is not asked again. -#}

{#- Text: what goes through a journey, person or account; person where a definition says another. -#}
{% macro journey_entity(parsed) -%}
    {{ return('account' if parsed is mapping and parsed.get('entity') == 'account' else 'person') }}
{%- endmacro %}

{#- Text: the column of a journey's log that says who goes through it. -#}
{% macro journey_key(parsed) -%}
    {{ return(headwater.audience_entities()[headwater.journey_entity(parsed)].key) }}
{%- endmacro %}

{#- Text: what follows where, a condition on the alias of a log that leaves out the rows of contacts; nothing in a journey of people. -#}
{% macro _journey_own_rows(parsed, alias) -%}
    {{ return(' and ' ~ alias ~ '.profile_id is null' if headwater.journey_entity(parsed) == 'account' else '') }}
{%- endmacro %}

{#- Nothing: notes what is wrong where `contacts:` of a touchpoint is not {where: {role: [...]}, who: a condition on people, top: 3, by: a trait, from: highest}, in
    a journey of companies alone. -#}
{% macro check_journey_contacts(parsed, walk) -%}
    {%- for node in walk.nodes if node.type == 'touchpoint' and node.contacts is defined -%}
        {%- set told, path = node.contacts, node.path ~ '.contacts' -%}
        {%- if headwater.journey_entity(parsed) != 'account' -%}
            {%- do headwater.note_problem(walk, path, "is for journeys of companies, which say entity: account") -%}
        {%- elif told is not mapping or not told -%}
            {%- do headwater.note_problem(walk, path, "wants {where: {role: [buyer]}}, {who: a condition on people} or {top: 1, by: a trait}; without contacts: it goes to all of them") -%}
            {%- do node.update({'contacts': {}}) -%}
        {%- else -%}
            {%- do headwater.note_unknown_keys(walk, told, headwater.definition_keys('journey_contacts'), path) -%}
            {%- do headwater.note_unknown_keys(walk, [told.get('from', 'highest')], ['highest', 'lowest'], path ~ '.from') -%}
            {%- if 'top' in told and (told['top'] is boolean or told['top'] is not integer or told['top'] < 1) -%}
                {%- do headwater.note_problem(walk, path ~ '.top', "wants a whole number, 1 or more, not '" ~ told['top'] ~ "'") -%}
            {%- elif ('top' in told) != ('by' in told) or ('from' in told and 'by' not in told) -%}
                {%- do headwater.note_problem(walk, path, "wants top: and by: together, how many contacts and the trait that says which, such as {top: 1, by: last_seen_at}") -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Nothing: each touchpoint gets `to_contacts`, whether it goes to the contacts of who comes to it; a task does where it says which. A condition on the
    engagement with what goes to no contact is noted: nobody opens it. -#}
{% macro _journey_note_contacts(parsed, walk) -%}
    {%- set of_companies = headwater.journey_entity(parsed) == 'account' -%}
    {%- for node in walk.nodes -%}
        {%- do node.update({'to_contacts': of_companies and node.type == 'touchpoint' and (not node.is_task or node.contacts is defined)}) -%}
    {%- endfor -%}
    {%- for node in walk.nodes if of_companies and node.condition and 'engaged' in node.condition -%}
        {%- if not (walk.nodes | selectattr('name', 'equalto', node.condition['engaged']['touchpoint']) | first).to_contacts -%}
            {%- do headwater.note_problem(walk, node.asked_at ~ '.engaged', "'" ~ node.condition['engaged']['touchpoint'] ~ "' is a task of the company, and nobody opens it") -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Nothing: each touchpoint to contacts gets `contact_rows`, the query of which contacts of which company it may go to, and `contact_place`, the order of these; the
    context `contact_zones`, where they are. Whom `vars: cdp_always_excluded` names of people is no contact of a journey. -#}
{% macro choose_contacts(context, nodes, rules) -%}
    {%- set excluded = headwater.setting('cdp_always_excluded').get('person') -%}
    {%- for node in nodes if node.to_contacts -%}
        {%- set told, path = node.contacts | default({}, true), node.path ~ '.contacts' -%}
        {%- set inner = headwater.audience_context('person', context) -%}
        {%- set trees = [] -%}
        {%- do trees.append(headwater.rule_tree(inner, told['who'], path ~ '.who')) if 'who' in told -%}
        {%- do trees.append({'kind': 'not', 'of': [headwater.rule_tree(inner, excluded, 'vars: cdp_always_excluded.person')]}) if excluded -%}
        {%- do headwater.share_scans(inner) -%}
        {%- set who = headwater.rule_expression({'kind': 'all', 'of': trees}) if trees else '1 = 1' -%}
        {%- if 'by' in told -%}
            {%- set type = headwater.use_trait(inner, told['by'], path ~ '.by') -%}
            {%- if (type or 'number') not in ['number', 'time'] -%}
                {%- do headwater.note_problem(context, path ~ '.by', "wants a trait that is a number or a time, and '" ~ told['by'] ~ "' is of " ~ type) -%}
            {%- endif -%}
        {%- endif -%}
        {%- do node.update({
            'contact_rows': 'select distinct account_contacts.account_id, account_contacts.profile_id' ~ (', candidates.' ~ told['by'] ~ ' as contact_rank' if 'by' in told)
                ~ ' from ' ~ headwater._contacts_and(inner) ~ ' where account_contacts.account_id is not null and ' ~ who ~ headwater._contact_where(inner, told, path),
            'contact_place': ('contacts_now.contact_rank ' ~ ('asc' if told.get('from') == 'lowest' else 'desc') ~ ' nulls last, ' if 'by' in told else '') ~ 'contacts_now.profile_id asc',
        }) -%}
    {%- endfor -%}
    {%- if rules -%}
        {%- set people = headwater.audience_context('person', context) -%}
        {%- do people.update({'asks': context.asks}) -%}
        {%- do context.update({'contact_zones': headwater.contact_zones(people, rules)}) -%}
    {%- endif -%}
{%- endmacro %}

{#- CTE: what the log has of contacts, of companies and people as they are known now; who was taken out of another did what that did meanwhile. -#}
{% macro _journey_written(parsed, log) -%}
{%- set aliases = ref('headwater', 'identity_aliases') -%}
names as (

    select
        old_id,
        live_id,
        cast(null as {{ dbt.type_timestamp() }}) as shared_from_at,
        cast(null as {{ dbt.type_timestamp() }}) as shared_until_at

    from {{ aliases }}

    union all

    select
        split_from_id as old_id,
        live_id,
        shared_from_at,
        shared_until_at

    from {{ aliases }}

    where
        split_from_id is not null
        and live_id is not null

),

written as (
    {% if log %}
    select
        coalesce(companies.live_id, steps.account_id) as account_id,
        coalesce(contacts.live_id, steps.profile_id) as profile_id,
        steps.entry_number,
        {{ headwater._journey_node_now(parsed, 'steps.node') }} as node,
        min(steps.node_type) as node_type,
        min(steps.outcome) as outcome,
        min(steps.happened_at) as happened_at

    from {{ log }} as steps
    {%- for alias, column in [('companies', 'account_id'), ('contacts', 'profile_id')] %}

    left join names as {{ alias }}
        on steps.{{ column }} = {{ alias }}.old_id
        and (
            {{ alias }}.shared_from_at is null
            or (steps.happened_at >= {{ alias }}.shared_from_at and steps.happened_at <= {{ alias }}.shared_until_at)
        )
    {%- endfor %}

    where steps.profile_id is not null

    group by 1, 2, 3, 4
    {%- else %}
    select
        names.live_id as account_id,
        names.live_id as profile_id,
        cast(1 as {{ dbt.type_int() }}) as entry_number,
        names.live_id as node,
        names.live_id as node_type,
        names.live_id as outcome,
        {{ headwater.cdp_now() }} as happened_at

    from names

    where 1 = 0
    {%- endif %}

),
{%- endmacro %}

{#- CTEs of a touchpoint of a journey of companies: to__ (the contacts of those who are ready__ that have it yet to get), sent__ (who gets it now, or goes
    without by the rules, by which others wait in delayed__) and new__ (the companies that go on, none of whose contacts waits). -#}
{% macro _journey_to_contacts(node, rules, earlier, context) -%}
{%- set name = headwater.string_literal(node.name) -%}
{%- set top = (node.contacts | default({}, true)).get('top') -%}
to__{{ node.name }} as (

    select
        chosen.account_id,
        chosen.entry_number,
        chosen.profile_id,
        chosen.outcome,
        chosen.happened_at,
        chosen.arrived_at,
        chosen.is_new

    from (
        select
            ready.*,
            contacts_now.profile_id,
            row_number() over (partition by ready.account_id, ready.entry_number order by {{ node.contact_place }}) as place

        from ready__{{ node.name }} as ready

        inner join ({{ node.contact_rows }}) as contacts_now
            on ready.account_id = contacts_now.account_id

        left join written
            on ready.account_id = written.account_id
            and ready.entry_number = written.entry_number
            and contacts_now.profile_id = written.profile_id
            and written.node = {{ name }}

        where
            ready.outcome <> 'skipped'
            and written.profile_id is null
    ) as chosen
    {%- if top %}

    left join (
        select account_id, entry_number, count(distinct profile_id) as people from written where node = {{ name }} group by account_id, entry_number
    ) as had
        on chosen.account_id = had.account_id
        and chosen.entry_number = had.entry_number

    where chosen.place <= {{ top }} - coalesce(had.people, 0)
    {%- endif %}

),

{% if rules -%}
{{ headwater._journey_under_rules(node, rules, context.contact_zones, earlier, context) }}
{%- else -%}
sent__{{ node.name }} as (

    select * from to__{{ node.name }}

),
{%- endif %}

new__{{ node.name }} as (

    select
        ready.account_id,
        ready.entry_number,
        case when ready.outcome = 'skipped' then 'skipped' when had.people > 0 then 'written' else 'nobody' end as outcome,
        ready.happened_at,
        ready.is_new

    from ready__{{ node.name }} as ready

    left join (
        select
            sent.account_id,
            sent.entry_number,
            count(*) as people

        from {{ headwater._journey_sent(node.name) }} as sent

        where sent.outcome = 'due'

        group by sent.account_id, sent.entry_number
    ) as had
        on ready.account_id = had.account_id
        and ready.entry_number = had.entry_number

    left join (
        select distinct
            waits.account_id,
            waits.entry_number

        from to__{{ node.name }} as waits

        left join sent__{{ node.name }} as sent
            on {{ headwater._same('waits', 'sent', ['account_id', 'entry_number', 'profile_id']) | indent(4) }}

        where sent.profile_id is null
    ) as waiting
        on ready.account_id = waiting.account_id
        and ready.entry_number = waiting.entry_number

    where
        ready.outcome = 'skipped'
        or waiting.account_id is null

),
{%- endmacro %}

{#- Relation-shaped query in brackets: the contacts' rows of a touchpoint, of the log and of this build. -#}
{% macro _journey_sent(touchpoint) -%}
(
    select account_id, entry_number, profile_id, outcome, happened_at from written where node = {{ headwater.string_literal(touchpoint) }}
    union all
    select account_id, entry_number, profile_id, outcome, happened_at from sent__{{ touchpoint }}
)
{%- endmacro %}
