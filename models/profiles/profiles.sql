with

profile_records as (

    select
        profile_id,
        count(*) as record_count,
        count(distinct source_name) as source_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from {{ ref('profile_records') }}

    group by profile_id

),

profile_attributes as (

    select
        profile_id,
        attribute,
        value,
        source_name

    from {{ ref('profile_attributes') }}

),

traits_commerce as (

    select
        profile_id,
        favourite_product_line,
        order_count,
        returned_order_count,
        lifetime_value_eur,
        average_order_eur,
        first_order_at,
        last_order_at

    from {{ ref('traits_commerce') }}

),

traits_engagement as (

    select
        profile_id,
        subscription_plan,
        subscription_status,
        page_view_count_30d,
        usage_event_count_30d,
        ticket_count_90d,
        email_open_count_90d,
        email_click_count_90d,
        last_page_view_at,
        last_app_use_at,
        last_email_open_at

    from {{ ref('traits_engagement') }}

),

golden_attributes as (

    select
        profile_id,
        {{ headwater.survivorship_columns('person') | indent(8) }}

    from profile_attributes

    group by profile_id

),

profiles as (

    select
        profile_records.profile_id,
        {%- for attribute in headwater.survivorship_rules('person').attributes %}
        golden_attributes.{{ attribute.name }},
        {%- endfor %}
        {%- for attribute in headwater.survivorship_rules('person').attributes %}
        golden_attributes.{{ attribute.name }}_source,
        {%- endfor %}
        traits_commerce.favourite_product_line,
        traits_engagement.subscription_plan,
        traits_engagement.subscription_status,
        cast(profile_records.record_count as {{ dbt.type_int() }}) as record_count,
        cast(profile_records.source_count as {{ dbt.type_int() }}) as source_count,
        traits_commerce.order_count,
        traits_commerce.returned_order_count,
        traits_commerce.lifetime_value_eur,
        traits_commerce.average_order_eur,
        traits_engagement.page_view_count_30d,
        traits_engagement.usage_event_count_30d,
        traits_engagement.ticket_count_90d,
        traits_engagement.email_open_count_90d,
        traits_engagement.email_click_count_90d,
        traits_commerce.first_order_at,
        traits_commerce.last_order_at,
        traits_engagement.last_page_view_at,
        traits_engagement.last_app_use_at,
        traits_engagement.last_email_open_at,
        profile_records.first_seen_at,
        profile_records.last_seen_at

    from profile_records

    left join golden_attributes on profile_records.profile_id = golden_attributes.profile_id

    left join traits_commerce on profile_records.profile_id = traits_commerce.profile_id

    left join traits_engagement on profile_records.profile_id = traits_engagement.profile_id

)

select * from profiles
