with

answers as (

    {{ headwater.consents_weighed() | indent(4) }}

),

consent as (

    select
        profile_id,
        channel,
        purpose,
        state,
        may_raise,
        basis,
        consent_source,
        recorded_at

    from answers

    where outcome = 'decides'

)

select * from consent
