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

    from said

)

select * from read
