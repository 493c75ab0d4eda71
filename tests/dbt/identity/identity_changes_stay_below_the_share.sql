-- A build that merges, splits, moves or retires more ids than usual is looked at before anything is sent:
-- `sync identity diff` shows what happened, var `cdp_identity_review` sets the share.
{%- set review = headwater.settings('cdp_identity_review', {'max_changed_percent': 20, 'min_ids': 500}) -%}
{%- for name, value in review.items() if value is not number -%}
    {{ exceptions.raise_compiler_error('cdp_identity_review: ' ~ name ~ ": '" ~ value ~ "' is not a number.") }}
{%- endfor %}

with

identity_history as (

    select
        entity,
        event,
        run_number

    from {{ ref('identity_history') }}

),

latest as (

    select max(run_number) as run_number

    from identity_history

),

counted as (

    select
        identity_history.entity,
        sum(case
            when identity_history.event in ('merge', 'split', 'move', 'retire')
                and identity_history.run_number = latest.run_number then 1
            else 0
        end) as changed_count,
        sum(case
            when identity_history.run_number < latest.run_number
                then case
                    when identity_history.event in ('create', 'split', 'restore') then 1
                    when identity_history.event in ('merge', 'retire') then -1
                    else 0
                end
            else 0
        end) as id_count

    from identity_history

    cross join latest

    group by identity_history.entity

),

above as (

    select
        entity,
        changed_count,
        id_count

    from counted

    where
        id_count >= {{ review.min_ids }}
        and changed_count * 100 > id_count * {{ review.max_changed_percent }}

)

select * from above
