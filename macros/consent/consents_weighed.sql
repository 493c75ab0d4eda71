{#- Relation-shaped query: every answer of every person, per channel and purpose, and whether it decides or why it does not. Of all that are one
    person's for a channel and purpose, one decides. -#}
{% macro consents_weighed() -%}
{%- set answer = ['answer_source', 'consent_id', 'subject', 'channel', 'purpose', 'state', 'may_raise', 'basis', 'consent_source', 'recorded_at', 'is_by_guardian', 'lapse'] -%}
{%- set minors = headwater.minors() -%}
with

profile_records as (

    select
        source_name,
        source_record_id,
        profile_id

    from {{ ref('headwater', 'profile_records') }}

),

holders as (

    select
        profile_id,
        identifier_type,
        identifier_value

    from {{ ref('headwater', 'int_profiles__identifier_holders') }}

),

consents as (

    select
        answer_source,
        source_name,
        consent_id,
        record_id,
        subject_type,
        subject,
        other_type,
        other_subject,
        channel,
        purpose,
        state,
        coalesce(may_raise, false) as may_raise,
        basis,
        consent_source,
        recorded_at,
        coalesce(is_by_guardian, false) as is_by_guardian,
        lapse

    from {{ ref('headwater', 'int_profiles__consents_counted') }}

),
{%- if minors %}

minors as (

    {{ minors }}

),
{%- endif %}

sole_holders as (

    select
        identifier_type,
        identifier_value,
        min(profile_id) as profile_id

    from holders

    group by identifier_type, identifier_value

    having count(*) = 1

),

-- An answer is one of the person its record belongs to; where it has no record, of the one person who has the value. A no is one of
-- everybody who has that address or number, whatever identity made of it: shared, ambiguous, expired, blocked.
owned as (

    select
        profile_records.profile_id,
        {% for column in answer -%}
        consents.{{ column }},
        {% endfor -%}
        false as is_by_other_value

    from consents

    inner join profile_records
        on consents.source_name = profile_records.source_name
        and consents.record_id = profile_records.source_record_id

    union all

    select
        holders.profile_id,
        {% for column in answer -%}
        consents.{{ column }},
        {% endfor -%}
        false as is_by_other_value

    from consents

    inner join holders
        on consents.subject_type = holders.identifier_type
        and consents.subject = holders.identifier_value

    where consents.state = 'opted_out'

    union all

    select
        sole_holders.profile_id,
        {% for column in answer -%}
        consents.{{ column }},
        {% endfor -%}
        false as is_by_other_value

    from consents

    inner join sole_holders
        on consents.subject_type = sole_holders.identifier_type
        and consents.subject = sole_holders.identifier_value

    where
        consents.state = 'opted_in'
        and consents.source_name is null

    union all

    select
        holders.profile_id,
        {% for column in answer -%}
        {{ 'consents.other_subject as subject' if column == 'subject' else 'consents.' ~ column }},
        {% endfor -%}
        true as is_by_other_value

    from consents

    inner join holders
        on consents.other_type = holders.identifier_type
        and consents.other_subject = holders.identifier_value

),

-- A yes that is not confirmed or has expired is none, nor is a child's own. A no never lapses.
standing as (

    select
        owned.*,
        {%- if minors %}
        case
            when owned.state = 'opted_out' then null
            when owned.lapse is not null then owned.lapse
            when minors.profile_id is not null and not owned.is_by_guardian then 'minor'
        end as is_none_because
        {%- else %}
        case when owned.state = 'opted_in' then owned.lapse end as is_none_because
        {%- endif %}

    from owned
    {%- if minors %}

    left join minors on owned.profile_id = minors.profile_id
    {%- endif %}

),

weighed as (

    select
        *,
        max(case when state = 'opted_in' and may_raise and is_none_because is null then recorded_at end)
            over (partition by profile_id, channel, purpose) as last_raised_at,
        max(case when state = 'opted_out' then 1 else 0 end)
            over (partition by profile_id, subject, channel, purpose) as was_refused

    from standing

),

-- A yes of a source that may only lower counts only where nobody ever said no. Who is reached by the other value only is asked by
-- another one of their own, so a later yes of theirs ends it.
judged as (

    select
        *,
        case when state = 'opted_in' and not may_raise then 1 else 0 end as is_weak,
        case
            when is_none_because is not null then is_none_because
            when state = 'opted_in' and not may_raise and was_refused = 1 then 'import_after_refusal'
            when is_by_other_value and coalesce(last_raised_at > recorded_at, false) then 'answered_since'
        end as set_aside

    from weighed

),

-- The latest answer of each identifier counts; at the same instant the refusal does.
subjects_ranked as (

    select
        *,
        case when set_aside is null then 1 else 0 end as is_counted,
        row_number() over (
            partition by profile_id, subject, channel, purpose, case when set_aside is null then 1 else 0 end
            order by
                is_weak asc nulls last,
                recorded_at desc nulls last,
                case state when 'opted_out' then 1 else 2 end asc,
                answer_source asc nulls last,
                consent_id asc nulls last
        ) as recency

    from judged

),

-- Between the identifiers of one person the stricter answer counts, whichever is newer.
profiles_ranked as (

    select
        *,
        row_number() over (
            partition by profile_id, channel, purpose, is_counted, case when recency = 1 then 1 else 0 end
            order by
                case state when 'opted_out' then 1 else 2 end asc,
                is_weak asc nulls last,
                recorded_at desc nulls last,
                answer_source asc nulls last,
                consent_id asc nulls last
        ) as strictness

    from subjects_ranked

),

said as (

    select
        profile_id,
        answer_source,
        consent_id,
        subject,
        channel,
        purpose,
        state,
        may_raise,
        basis,
        consent_source,
        recorded_at,
        case
            when set_aside is not null then set_aside
            when recency > 1 then 'older'
            when strictness > 1 then 'less_strict'
            else 'decides'
        end as outcome

    from profiles_ranked

)
{%- if headwater.consent_by_country() %},

{{ headwater._told_by_country(minors) }}

select * from told
{%- else %}

select * from said
{%- endif %}
{%- endmacro %}
