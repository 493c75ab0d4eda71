{{ headwater.table_layout(month='occurred_at', clusters=['profile_id']) }}

with

profile_records as (

    select
        source_record_id,
        profile_id

    from {{ ref('profile_records') }}

    where source_name = 'support_tickets'

),

tickets as (

    select
        ticket_id,
        severity,
        product_line,
        opened_at

    from {{ ref('stg_support__tickets') }}

    where {{ headwater.has_happened('opened_at', ref('stg_support__tickets')) }}

),

events as (

    select
        tickets.ticket_id as event_id,
        profile_records.profile_id,
        tickets.severity,
        tickets.product_line,
        tickets.opened_at as occurred_at

    from tickets

    inner join profile_records on tickets.ticket_id = profile_records.source_record_id

)

select * from events
