select
    id as event_id,
    {{ headwater.read('ts', 'timestamp', format='epoch_milliseconds') }} as occurred_at,
    {{ headwater.json_part('"user"', 'id') }} as user_id,
    {{ headwater.normalise_email(headwater.json_part('"user"', 'traits.email')) }} as email,
    {{ headwater.json_part('"user"', 'traits.loyalty.no') }} as loyalty_no,
    {{ headwater.read(headwater.json_part('props', 'price.amount'), 'number') }} as amount
from {{ source('mobile', 'events') }}
