{%- for model in headwater.registry('consents') -%}{%- do ref(model) -%}{%- endfor -%}
{%- set sources = headwater.consent_sources() -%}
{%- set person = headwater.setting('cdp_identity').get('person', {}) -%}
{%- set other_types = (person.get('identifiers', {}) or {}) | list | reject('in', ['email', 'phone']) | list -%}
{%- set string = dbt.type_string() -%}
{%- set instant = dbt.type_timestamp() -%}
with

said as (
    {% for source in sources %}
    {{ headwater.consent_answers(source) }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        {%- for column in [
            'answer_source', 'source_name', 'consent_id', 'record_id', 'email', 'phone', 'channel_said', 'purpose_said', 'state', 'basis',
            'consent_source', 'answer_said', 'lapse',
        ] %}
        cast(null as {{ string }}) as {{ column }},
        {%- endfor %}
        false as may_raise,
        true as is_origin_known,
        true as is_answer_known,
        cast(null as {{ instant }}) as recorded_at,
        cast(null as {{ instant }}) as loaded_at,
        false as is_by_guardian

    from (select 1 as one) as nothing

    where one = 0
    {%- endfor %}
),

told as (

    select
        'email' as identifier_type,
        email as identifier_value

    from said

    where email is not null

    union all

    select
        'phone' as identifier_type,
        phone as identifier_value

    from said

    where phone is not null

    union all

    select
        'record' as identifier_type,
        {{ dbt.concat(["source_name", "':'", "record_id"]) }} as identifier_value

    from said

    where
        source_name is not null
        and record_id is not null

),

erased as (

    select
        identifier_type,
        identifier_value

    from {{ headwater.erased_values('told') }} as erased_values

),

shared as (

    select
        identifier_type,
        identifier_value,
        requested_at

    from {{ headwater.erased_values('told', scope='shared') }} as erased_values

),

-- Records that say whose they are by something else than an address or a number.
known_otherwise as (

    select
        source_name,
        source_record_id

    from {{ ref('identity_records') }}

    where
        entity = 'person'
        and (
            {%- for type in other_types %}
            {{ type }}_value is not null {{ 'or' if not loop.last }}
            {%- else %}
            1 = 0
            {%- endfor %}
        )

),

-- What an erased person answered is nobody's; nor is a yes that they may have said, since it names only what they shared with somebody.
kept as (

    select said.*

    from said

    left join erased as by_email
        on by_email.identifier_type = 'email'
        and said.email = by_email.identifier_value

    left join erased as by_phone
        on by_phone.identifier_type = 'phone'
        and said.phone = by_phone.identifier_value

    left join erased as by_record
        on by_record.identifier_type = 'record'
        and {{ dbt.concat(["said.source_name", "':'", "said.record_id"]) }} = by_record.identifier_value

    left join shared as shared_email
        on shared_email.identifier_type = 'email'
        and said.email = shared_email.identifier_value

    left join shared as shared_phone
        on shared_phone.identifier_type = 'phone'
        and said.phone = shared_phone.identifier_value

    left join known_otherwise
        on said.source_name = known_otherwise.source_name
        and said.record_id = known_otherwise.source_record_id

    where
        by_email.identifier_value is null
        and by_phone.identifier_value is null
        and by_record.identifier_value is null
        and (
            known_otherwise.source_record_id is not null
            or said.state = 'opted_out'
            or (
                (shared_email.identifier_value is null or said.recorded_at > shared_email.requested_at)
                and (shared_phone.identifier_value is null or said.recorded_at > shared_phone.requested_at)
            )
        )

),

-- A word nobody knows is read in the strictest way: a no is one to everything, a yes one to nothing.
read as (

    select
        answer_source,
        source_name,
        consent_id,
        record_id,
        email,
        phone,
        channel_said,
        purpose_said,
        case
            when channel_said in ({{ headwater.string_literals(['all'] + (headwater.consent_channels() | list)) }}) then channel_said
            when state = 'opted_out' then 'all'
        end as channel,
        case
            when purpose_said in ({{ headwater.string_literals(['all'] + headwater.consent_purposes()) }}) then purpose_said
            when state = 'opted_out' then 'all'
        end as purpose,
        state,
        basis,
        consent_source,
        state = 'opted_in' and may_raise as may_raise,
        is_origin_known,
        answer_said,
        is_answer_known,
        is_by_guardian,
        lapse,
        recorded_at,
        loaded_at

    from kept

)

select * from read
