select
    people.profile_id,
    count(bought.event_id) as purchase_count,
    coalesce(sum(bought.total_eur), 0) as spent_eur,
    max(bought.occurred_at) as last_bought_at

from (select distinct profile_id from {{ ref('headwater', 'profile_records') }}) as people

left join {{ ref('event_bottle_bought') }} as bought on people.profile_id = bought.profile_id

group by people.profile_id
