{%- for model in headwater.registry('consents') -%}{%- do ref(model) -%}{%- endfor -%}
{%- set sources = headwater.consent_sources() -%}
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
            'answer_source', 'source_name', 'consent_id', 'email', 'phone', 'channel_said', 'purpose_said', 'state', 'basis',
            'consent_source',
        ] %}
        cast(null as {{ string }}) as {{ column }},
        {%- endfor %}
        false as may_raise,
        true as is_origin_known,
        cast(null as {{ instant }}) as recorded_at,
        cast(null as {{ instant }}) as loaded_at

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
        {{ dbt.concat(["source_name", "':'", "consent_id"]) }} as identifier_value

    from said

    where
        source_name is not null
        and consent_id is not null

),

erased as (

    select
        identifier_type,
        identifier_value

    from {{ headwater.erased_values('told') }} as erased_values

),

-- What an erased person answered is nobody's.
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
        and {{ dbt.concat(["said.source_name", "':'", "said.consent_id"]) }} = by_record.identifier_value

    where
        by_email.identifier_value is null
        and by_phone.identifier_value is null
        and by_record.identifier_value is null

),

-- A word nobody knows is read in the strictest way: a no is one to everything, a yes one to nothing.
read as (

    select
        answer_source,
        source_name,
        consent_id,
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
        recorded_at,
        loaded_at

    from kept

)

select * from read
