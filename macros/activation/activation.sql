{#- Relation-shaped query, the whole of an activation model: the members of an audience or journey step as one destination
    receives them, and why some of them must not be sent.
    members: relation with profile_id (or account_id) and qualified_at; is_holdout is used where the relation is an audience.
    identifiers, fields: {column: expression over profiles (or accounts) or over members}, in the order of the columns.
    entity: person, account, or one of `vars: cdp_entities` that says whose it is (`of`): a pet's row is about its owner, whose consent and holdout
    count; expressions are over it by its name too (`pet.species`), and profile_id (or account_id) is one of the fields.
    key: columns that name a row; the entity's id unless told.
    consent: {channel, purpose} that must be opted in. Of people one of the two is said: consent, or no_consent_because, why nobody is asked
    (a receipt, a CRM's copy); who unsubscribed then stays in, who is erased does not.
    holdout_ignored_because: why those held out of the audience are sent here all the same, where they must be.
    reached_by: identifiers of which one at least must be there for a row to be sent; all of them unless told.
    Its post-hook holds the finished table against the laws: activation_laws.
    Columns: key, identifiers, fields, withheld_reason (null is sent), row_hash over identifiers and fields, qualified_at. -#}
{% macro activation(members, identifiers, fields, entity='person', key=none, consent=none, has_holdout=true, reached_by=none,
    holdout_ignored_because=none, no_consent_because=none) -%}
{%- if headwater.is_switched_off() -%}
    {{ return('') }}
{%- endif -%}
{%- do headwater.check_arguments(
    'activation', kwargs, ['members', 'identifiers', 'fields', 'entity', 'key', 'consent', 'has_holdout', 'reached_by', 'holdout_ignored_because'],
    {'members': members, 'identifiers': identifiers, 'fields': fields}
) -%}
{%- set thing = headwater._owned_entity(entity) -%}
{#- A query in brackets has no name; it gives its own columns, and an audience of another entity lacks the key. -#}
{%- set problem = headwater.wrong_entity(members.identifier, entity, one_key=false) if members is not string else '' -%}
{%- set entity = thing.of if thing else entity -%}
{%- if problem -%}
    {{ exceptions.raise_compiler_error(model.name ~ ", activation: members: " ~ problem ~ ", or say entity='account' or 'person'.") }}
{%- endif -%}
{%- if consent is not none -%}
    {%- do headwater.check_consent('activation: consent', consent) -%}
{%- endif -%}
{%- for name, reason in {'holdout_ignored_because': holdout_ignored_because, 'no_consent_because': no_consent_because}.items()
    if reason is not none and (reason is not string or not reason | trim) -%}
    {{ exceptions.raise_compiler_error(model.name ~ ', activation: ' ~ name ~ " wants the reason, a text, not '" ~ reason ~ "'.") }}
{%- endfor -%}
{%- if entity == 'person' and consent is none and no_consent_because is none -%}
    {{ exceptions.raise_compiler_error(model.name ~ ", activation: people are sent without a word on consent. Say consent={'channel': 'email', "
        ~ "'purpose': 'marketing'}, or no_consent_because='...', why nobody is asked (receipts, a CRM that mirrors customers). Of companies say entity='account'.") }}
{%- elif consent is not none and no_consent_because is not none -%}
    {{ exceptions.raise_compiler_error(model.name ~ ', activation: says consent and no_consent_because; one of them is meant.') }}
{%- endif -%}
{%- set entity_id = 'profile_id' if entity == 'person' else 'account_id' -%}
{%- set entities = 'profiles' if entity == 'person' else 'accounts' -%}
{%- set key = key or [thing.key if thing else entity_id] -%}
{%- if thing and entity_id not in key and entity_id not in fields -%}
    {%- set fields = dict({entity_id: 'members.' ~ entity_id}, **fields) -%}
{%- endif -%}
{%- do config(
    meta={'activation': {
        'entity': entity, 'key': key, 'identifiers': identifiers | list, 'fields': fields | list, 'consent': consent,
        'reached_by': headwater._reached_by(entities, identifiers, reached_by),
        'made_of': headwater._made_of(identifiers, fields, thing.name if thing else none),
        'holdout_ignored_because': holdout_ignored_because, 'no_consent_because': no_consent_because,
        'thing_key': thing.key if thing else entity_id,
    }},
    post_hook='{{ headwater.activation_laws(' ~ [entity, consent, holdout_ignored_because] | map('pprint') | join(', ') ~ ') }}',
) -%}
with

members as (

    {% if thing -%}
    select
        told.*,
        owned.{{ entity_id }}

    from {{ members }} as told

    inner join {{ headwater.model_ref(thing.model) }} as owned on told.{{ thing.key }} = owned.{{ thing.key }}
    {%- else -%}
    select * from {{ members }}
    {%- endif %}

),

{% if consent -%}
consenting as (

    select profile_id

    from {{ ref('headwater', 'profile_consent') }}

    where
        channel = {{ headwater.string_literal(consent['channel']) }}
        and purpose = {{ headwater.string_literal(consent['purpose']) }}
        and state = 'opted_in'

),

{% endif -%}
{% if entity == 'person' -%}
suppressed as (

    select distinct profile_id

    from {{ ref('headwater', 'profile_suppressions') }}

    where
        reason = 'erasure'
        {%- if consent %}
        or channel in ('all', {{ headwater.string_literal(consent['channel']) }})
        {%- endif %}

),

{% endif -%}
mapped as (

    select
        {%- for column in key %}
        members.{{ column }},
        {%- endfor %}
        {%- for column, expression in identifiers.items() if column not in key %}
        {{ expression }} as {{ column }},
        {%- endfor %}
        {%- for column, expression in fields.items() if column not in key %}
        {{ expression }} as {{ column }},
        {%- endfor %}
        {%- if entity == 'person' %}
        suppressed.profile_id is not null as is_suppressed,
        {%- endif %}
        {%- if consent %}
        consenting.profile_id is not null as has_consent,
        {%- endif %}
        {%- if has_holdout %}
        members.is_holdout,
        {%- endif %}
        members.qualified_at

    from members

    inner join {{ headwater.model_ref(entities) }} as {{ entities }}
        on members.{{ entity_id }} = {{ entities }}.{{ entity_id }}
    {%- if thing %}

    inner join {{ headwater.model_ref(thing.model) }} as {{ thing.name }}
        on members.{{ thing.key }} = {{ thing.name }}.{{ thing.key }}
    {%- endif %}
    {%- if entity == 'person' %}

    left join suppressed
        on members.profile_id = suppressed.profile_id
    {%- endif %}
    {%- if consent %}

    left join consenting
        on members.profile_id = consenting.profile_id
    {%- endif %}

),

decided as (

    select
        {{ key | join(', ') }},
        {%- for column in identifiers if column not in key %}
        {{ column }},
        {%- endfor %}
        {%- for column in fields if column not in key %}
        {{ column }},
        {%- endfor %}
        case
            {%- if entity == 'person' %}
            when is_suppressed then 'suppressed'
            {%- endif %}
            {%- if consent %}
            when not has_consent then 'no_consent'
            {%- endif %}
            {%- if has_holdout %}
            when is_holdout then 'holdout'
            {%- endif %}
            {%- if identifiers %}
            when coalesce({{ headwater._as_texts(reached_by or identifiers) | join(', ') }}) is null then 'no_identifier'
            {%- endif %}
            else cast(null as {{ dbt.type_string() }})
        end as withheld_reason,
        {{ headwater.row_hash((identifiers | list) + (fields | list)) }} as row_hash,
        qualified_at

    from mapped

)

select * from decided
{%- endmacro %}

{#- Value: {name, model, key, of} of what belongs to people or companies, by `vars: cdp_entities`; none of people and companies themselves. -#}
{% macro _owned_entity(name) -%}
    {%- set entities = headwater.audience_entities() -%}
    {%- if name in ['person', 'account'] -%}
        {{ return(none) }}
    {%- elif name not in entities -%}
        {{ exceptions.raise_compiler_error("activation: entity '" ~ name ~ "' is not one of " ~ entities | join(', ') ~ headwater.nearest(name | string, entities | list) ~ '.') }}
    {%- elif not entities[name].get('of') -%}
        {{ exceptions.raise_compiler_error(
            "activation: nobody knows whose a '" ~ name ~ "' is. Say it in vars: cdp_entities: " ~ name ~ ': of: person, where ' ~ entities[name].model
            ~ ' has profile_id, or of: account, where it has account_id.'
        ) }}
    {%- endif -%}
    {{ return(dict(entities[name], name=name)) }}
{%- endmacro %}

{#- Value: {column: [names]} of what is sent: the columns of profiles, accounts or members that it is made of, else its expression. -#}
{% macro _made_of(identifiers, fields, thing=none) -%}
    {%- set relations = ['profiles', 'accounts', 'members'] + ([thing] if thing else []) -%}
    {%- set made = {} -%}
    {%- for columns in [identifiers, fields] -%}
        {%- for column, expression in columns.items() -%}
            {%- set text = (expression | string).split() | join(' ') -%}
            {%- set names = modules.re.findall('(?:' ~ relations | join('|') ~ ')[.][A-Za-z_][A-Za-z0-9_]*', text) | unique | sort -%}
            {%- do made.update({column: names or [text]}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(made) }}
{%- endmacro %}

{#- Value: the expressions over profiles (or accounts) of which one must be there for a row to be sent; what is over members is always there. -#}
{% macro _reached_by(entities, identifiers, reached_by) -%}
    {%- set expressions = [] -%}
    {%- for column, expression in identifiers.items() if column in (reached_by or identifiers) -%}
        {%- do expressions.append(expression | string) -%}
    {%- endfor -%}
    {%- for expression in expressions if 'members.' in expression or entities ~ '.' not in expression -%}
        {{ return([]) }}
    {%- endfor -%}
    {{ return(expressions) }}
{%- endmacro %}

{% macro _as_texts(columns) -%}
    {%- set texts = [] -%}
    {%- for column in columns -%}
        {%- do texts.append('cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')') -%}
    {%- endfor -%}
    {#- coalesce() wants two arguments on every warehouse. -#}
    {{ return(texts + ['null'] if texts | length == 1 else texts) }}
{%- endmacro %}
