{#- One row per event. As it stands, the first time each record was seen: put your own model in its place, joined to profile_records by
    source_name (of the model's record:) and source_record_id (its key), and add the event's properties. What lies ahead is left out. -#}
select
    records.record_key as event_id,
    records.profile_id,
    records.source_name,
    records.first_seen_at as occurred_at

from {{ ref('headwater', 'profile_records') }} as records

where {{ headwater.has_happened('records.first_seen_at', ref('headwater', 'profile_records') ~ ' as records') }}
