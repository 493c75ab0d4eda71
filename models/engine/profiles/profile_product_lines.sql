{%- set groups = headwater.trait_groups('product_line_traits') -%}
with

activities as (
    {% for group in groups %}
    select
        profile_id,
        product_line,
        {{ 'first_activity_at' if 'first_activity_at' in group.has else 'cast(null as ' ~ dbt.type_timestamp() ~ ')' }} as first_activity_at,
        {{ 'last_activity_at' if 'last_activity_at' in group.has else 'cast(null as ' ~ dbt.type_timestamp() ~ ')' }} as last_activity_at

    from {{ ref(group.model) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        profile_id,
        profile_id as product_line,
        first_seen_at as first_activity_at,
        last_seen_at as last_activity_at

    from {{ ref('profile_records') }}

    where 1 = 0
    {% endfor %}
),

lines as (

    select
        profile_id,
        product_line,
        min(first_activity_at) as first_activity_at,
        max(last_activity_at) as last_activity_at

    from activities

    where
        profile_id is not null
        and product_line is not null

    group by profile_id, product_line

),

product_lines as (

    select
        lines.profile_id,
        lines.product_line,
        {%- for group in groups %}
        {%- for column, type in group.columns.items() %}
        {%- if column in group.when_absent %}
        {{ dbt.cast('coalesce(' ~ group.model ~ '.' ~ column ~ ', ' ~ group.when_absent[column] ~ ')', type) }} as {{ column }},
        {%- else %}
        {{ group.model }}.{{ column }},
        {%- endif %}
        {%- endfor %}
        {%- endfor %}
        lines.first_activity_at,
        lines.last_activity_at

    from lines
    {%- for group in groups %}

    left join {{ ref(group.model) }} as {{ group.model }}
        on lines.profile_id = {{ group.model }}.profile_id
        and lines.product_line = {{ group.model }}.product_line
    {%- endfor %}

)

select * from product_lines
