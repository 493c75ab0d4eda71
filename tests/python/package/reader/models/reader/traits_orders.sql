select
    people.profile_id,
    coalesce(sum(orders.revenue_eur), 0) as lifetime_value_eur
from (select distinct profile_id from {{ ref('profile_records') }}) as people
left join {{ ref('event_order_placed') }} as orders on people.profile_id = orders.profile_id
group by people.profile_id
