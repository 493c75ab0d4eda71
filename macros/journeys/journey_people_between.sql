{#- Relation-shaped query in brackets: the people who have passed one node of a journey and not yet another, nor left.
    Columns: profile_id, is_holdout, qualified_at (when they passed the first). A push asks the log again: `meta: journey_people.<journey>.<before>`. -#}
{% macro journey_people_between(journey, after, before) -%}
{%- if headwater.key_of_journey(journey) != 'profile_id' -%}
    {{ headwater.audience_error('journey_people_between', journey ~ " is a journey of companies, and this is of people; its contacts are in journey_touchpoints()") }}
{%- endif -%}
{%- set types = ['touchpoint', 'wait', 'branch', 'split', 'goal'] -%}
{%- set first = headwater._journey_named(journey, [after], types, 'journey_people_between, after') -%}
{%- set last = headwater._journey_named(journey, [before], types, 'journey_people_between, before') -%}
{%- do config(meta={'journey_people.' ~ journey ~ '.' ~ before: {'journey': journey, 'before': before}}) -%}
(
    select
        passed.profile_id,
        passed.is_holdout,
        passed.qualified_at

    from (
        select
            steps.profile_id,
            max(case when steps.is_holdout then 1 else 0 end) = 1 as is_holdout,
            min(
                case when steps.node in ({{ first }}) and coalesce(steps.outcome, '') not in ('skipped', 'dropped_quiet', 'dropped_calendar', 'dropped_capped') then steps.happened_at end
            ) as qualified_at,
            max(case when steps.node in ({{ last }}) or steps.node_type = 'exit' then 1 else 0 end) as is_over

        from {{ headwater._journey_steps_by_person(journey) }} as steps

        group by steps.profile_id
    ) as passed

    where
        passed.qualified_at is not null
        and passed.is_over = 0
)
{%- endmacro %}
