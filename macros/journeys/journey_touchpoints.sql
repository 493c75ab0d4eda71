{#- Relation-shaped query in brackets: the touchpoints of a journey that are due, by the person as they are now.
    `nodes` are names of touchpoints; one older than `within` is not sent any more, also not to somebody who consents later.
    Columns: touchpoint_id, profile_id, template, is_holdout, qualified_at. A touchpoint's id never changes, whatever is built
    again. Where two people who both had a touchpoint are merged, one of the two is left: the one that was sent, if any; and one of
    them held back holds back both. Who has left the journey gets nothing that was due before; what was due and was not sent before their
    quiet hours waits until these are over. Of a journey of companies, `entity='account'`, each row is of a contact, with account_id beside it, and who is no
    contact of the company any more gets nothing; of tasks for the company itself each row has account_id alone. Of a journey that an event lets in to, `event`
    is its name and `properties` the columns of it that come on top, of the very event that the touchpoint is about. -#}
{% macro journey_touchpoints(journey, nodes, within='7 days', event=none, properties=[], entity='person') -%}
{%- set source = headwater._touchpoint_event(journey, event, properties) if event else none -%}
{%- set named = headwater._journey_named(journey, nodes, ['touchpoint'], 'journey_touchpoints') -%}
{%- set asleep = headwater._journey_asleep(journey, nodes) -%}
{%- set key, of_companies = headwater.journey_key({'entity': entity}), entity == 'account' -%}
{%- if execute and headwater.node_named(journey) and headwater.key_of_journey(journey) != key -%}
    {{ headwater.audience_error('journey_touchpoints, entity', journey ~ " is a journey of " ~ ('people: leave entity out' if of_companies else "companies: say entity='account'")) }}
{%- endif -%}
{%- set to_contacts = not of_companies or headwater._journey_goes_to_contacts(journey, nodes) -%}
(
    select
        touchpoints.touchpoint_id,
        {%- if to_contacts %}
        touchpoints.profile_id,
        {%- endif %}
        {%- if of_companies %}
        touchpoints.account_id,
        {%- endif %}
        touchpoints.template,
        {%- for property in properties if source %}
        touchpoints.{{ property }},
        {%- endfor %}
        touchpoints.is_holdout,
        touchpoints.qualified_at

    from (
        select
            steps.touchpoint_id,
            steps.profile_id,
            {%- if of_companies %}
            steps.account_id,
            {%- endif %}
            steps.node,
            steps.template,
            {%- for property in properties if source %}
            events.{{ property }},
            {%- endfor %}
            people.is_holdout,
            steps.happened_at as qualified_at,
            row_number() over (
                partition by steps.profile_id, {{ 'steps.account_id, ' if of_companies }}steps.entry_number, steps.node
                order by
                    case when sent.sync_key is null then 1 else 0 end asc,
                    steps.happened_at asc nulls last,
                    steps.touchpoint_id asc
            ) as place

        from {{ headwater._journey_steps_by_person(journey, key) }} as steps

        inner join {{ headwater._journey_people(journey, key) }} as people
            on steps.{{ key }} = people.{{ key }}
            and steps.entry_number = people.entry_number
        {%- if of_companies and to_contacts %}

        inner join (select distinct account_id, profile_id from {{ headwater.model_ref('account_contacts') }}) as contacts_now
            on steps.account_id = contacts_now.account_id
            and steps.profile_id = contacts_now.profile_id
        {%- endif %}

        {%- if source %}

        left join (
            select distinct
                entry_number,
                entry_key

            from {{ headwater.model_ref(journey) }}

            where node = 'entry'
        ) as entered
            on steps.entry_number = entered.entry_number

        left join {{ headwater.model_ref(source.model) }} as events
            on entered.entry_key = cast(events.{{ source.key }} as {{ dbt.type_string() }})
        {%- endif %}

        {# A way that ends with its touchpoint, in the same build, has not left before it. -#}
        left join (
            select distinct {{ key }}, entry_number, happened_at from {{ headwater.model_ref(journey) }}
            where node_type = 'exit' and outcome = 'exit'
        ) as own_exit
            on steps.logged_id = own_exit.{{ key }}
            and steps.entry_number = own_exit.entry_number
            and steps.happened_at = own_exit.happened_at

        left join (
            select distinct sync_key from {{ ref('headwater', 'stg_sync__ledger') }}
        ) as sent
            on steps.touchpoint_id = sent.sync_key

        where
            steps.node_type = 'touchpoint'
            and steps.touchpoint_id is not null
            and steps.node in ({{ named }})
            {%- if not to_contacts %}
            and steps.profile_id is null
            {%- endif %}
            and steps.happened_at >= {{ headwater.audience_ago(within, 'within') }}
            and not people.is_gone
            and people.exits <= case when own_exit.{{ key }} is null then 0 else 1 end
    ) as touchpoints
    {%- if asleep %}

    left join {{ ref('headwater', 'profiles') }} as candidates on touchpoints.profile_id = candidates.profile_id
    {%- endif %}

    where
        touchpoints.place = 1
        {%- if asleep %}
        and not ({{ asleep }})
        {%- endif %}
)
{%- endmacro %}

{#- Value: whether the named touchpoints of a journey of companies go to contacts; those that do and tasks for the company are models of their own, since
    the rows of one are about people and of the other about companies. -#}
{% macro _journey_goes_to_contacts(journey, nodes) -%}
    {%- set definition = headwater.journey_definition(journey) -%}
    {%- set named = headwater.journey_nodes(definition) | selectattr('name', 'in', nodes) | list if definition else [] -%}
    {%- set tasks = named | rejectattr('to_contacts') | map(attribute='name') | list -%}
    {%- if tasks and tasks | length < named | length -%}
        {{ headwater.audience_error('journey_touchpoints', tasks | join(', ') ~ " is for the company, and the others are for its contacts: name them in an activation model of their own, with"
            ~ " activation(entity='account')") }}
    {%- endif -%}
    {{ return(not tasks) }}
{%- endmacro %}

{#- Expression, boolean: it is a quiet hour, or a day on which nothing is sent, now where `candidates` is, for a message of `touchpoints.node`; none where no
    rule says so. -#}
{% macro _journey_asleep(journey, nodes) -%}
{%- set rules = headwater.contact_rules() -%}
{%- if not rules or not (rules.quiet or rules.closed) -%}
    {{ return(none) }}
{%- endif -%}
{%- do ref('headwater', 'profiles') -%}
{%- set definition = headwater.journey_definition(journey) -%}
{%- set context = headwater.audience_context('person') -%}
{%- do context.update({'name': model.name, 'asks': flags.WHICH in ['build', 'run', 'retry'] and model.resource_type == 'model'}) -%}
{%- set zones = headwater.contact_zones(context, rules) -%}
{%- do headwater.stop_for(context.problems) -%}
{%- set parts = [] -%}
{%- for one in (headwater.journey_nodes(definition) if definition else []) if one.name in nodes and one.type == 'touchpoint' and one.when_not_allowed != 'send' -%}
    {%- set now = [] -%}
    {%- if rules.quiet and one.channel in rules.quiet.channels -%}
        {%- do now.append(headwater._is_quiet(zones, rules.quiet)) -%}
    {%- endif -%}
    {%- set is_closed = headwater._is_closed(zones, rules.closed, one.channel, journey) -%}
    {%- do now.append(is_closed) if is_closed -%}
    {%- do parts.append('(touchpoints.node in (' ~ headwater.string_literals(headwater._journey_names_ever(definition, [one.name])) ~ ') and (' ~ now | join(' or ') ~ '))') if now -%}
{%- endfor -%}
{{ return(('(' ~ parts | join(' or ') ~ ')') if parts else none) }}
{%- endmacro %}

{#- Value: the event that lets in to a journey; another name, or a property that it has not, stops the build. -#}
{% macro _touchpoint_event(journey, name, properties) -%}
    {%- set problems = [] -%}
    {%- set context = {'columns': {}, 'dates': [], 'problems': problems} -%}
    {%- set event = headwater.declared_event(context, name, 'journey_touchpoints, event') -%}
    {%- set told = (headwater.journey_definition(journey).get('entry') or {}).get('did') -%}
    {%- if told != name and execute and headwater.node_named(journey) -%}
        {{ headwater.audience_error('journey_touchpoints, event', "'" ~ name ~ "' is not what lets in to " ~ journey ~ ", which is " ~ (told or 'no event')) }}
    {%- endif -%}
    {%- for property in properties if event and event.properties is not none and property not in event.properties -%}
        {{ headwater.audience_error('journey_touchpoints, properties', "'" ~ property ~ "' is no property of " ~ name
            ~ " (it has " ~ event.properties | join(', ') ~ ")" ~ headwater.nearest(property, event.properties)) }}
    {%- endfor -%}
    {%- do headwater.stop_for(problems) -%}
    {{ return(event) }}
{%- endmacro %}
