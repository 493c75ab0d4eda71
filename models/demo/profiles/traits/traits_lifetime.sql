with

scores as (

    {{ headwater.lifetime_scores(ref('event_order_placed'), value='revenue_eur', days=90) | indent(4) }}

)

select
    profile_id,
    repeat_purchases,
    days_to_last_purchase,
    days_of_observation,
    {{ headwater.as_euros('mean_repeat_value') }} as mean_repeat_value,
    {{ headwater.as_decimal('probability_alive', 7, 6) }} as probability_alive,
    {{ headwater.as_decimal('expected_purchases', 15, 6) }} as expected_purchases,
    {{ headwater.as_euros('expected_purchase_value') }} as expected_purchase_value,
    {{ headwater.as_euros('expected_value') }} as expected_value

from scores
