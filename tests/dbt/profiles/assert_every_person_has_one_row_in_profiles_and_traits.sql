-- profiles, and each group of traits, have exactly the people that identity knows: a join in
-- between neither drops nor doubles.
{%- set models = ['profiles'] + headwater.registry('traits') %}
with

people as (

    select distinct profile_id

    from {{ ref('profile_records') }}

),

model_rows as (
    {% for model in models %}
    select
        '{{ model }}' as model_name,
        profile_id

    from {{ ref(model) }}

    union all

    select
        '{{ model }}' as model_name,
        profile_id

    from people
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    model_name,
    profile_id,
    count(*) as row_count

from model_rows

group by model_name, profile_id

-- One row from the model, one from the list of people.
having count(*) <> 2
