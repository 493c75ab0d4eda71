select
    "Ticket #" as ticket_no,
    {{ headwater.normalise_email('"Requester Email"') }} as email,
    "Subject" as subject,
    {{ headwater.read('"Created (EST)"', 'timestamp', format='MM/DD/YYYY', time_zone='America/New_York') }} as created_at
from {{ source('helpdesk', 'tickets') }}
where "Ticket #" like '#%'
