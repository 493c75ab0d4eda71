{{ config(materialized='view') }}
{%- set bounces = [] -%}
{%- for kind, reason in headwater.suppressing_events().items() if reason == 'hard_bounce' -%}{%- do bounces.append(kind) -%}{%- endfor %}

with

campaign_events as (

    select
        recipient_type,
        recipient,
        kind,
        coalesce(occurred_at, loaded_at) as occurred_at

    from {{ ref('stg_campaigns__campaign_events') }}

    where recipient_type in ('email', 'phone')

),

latest as (

    select
        recipient_type as identifier_type,
        recipient as identifier_value,
        max(case when kind in ({{ headwater.string_literals(bounces) }}) then occurred_at end) as bounced_at,
        max(case when kind in ('delivered', 'opened', 'clicked') then occurred_at end) as arrived_at

    from campaign_events

    group by recipient_type, recipient

),

-- What arrived later works again.
bounced as (

    select
        identifier_type,
        identifier_value,
        bounced_at

    from latest

    where
        bounced_at is not null
        and (arrived_at is null or arrived_at <= bounced_at)

)

select * from bounced
