-- Plain SQL, for what a definition cannot say or a reader prefers to see.
with

profile_consent as (

    select profile_id

    from {{ ref('profile_consent') }}

    where
        channel = 'email'
        and purpose = 'marketing'
        and state = 'opted_in'

),

profiles as (

    select profile_id

    from {{ ref('profiles') }}

    where email is not null

),

newsletter_readers as (

    select
        profiles.profile_id,
        {{ headwater.in_holdout('profiles.profile_id', 5, 'newsletter') }} as is_holdout,
        {{ headwater.cdp_now() }} as qualified_at

    from profiles

    inner join profile_consent
        on profiles.profile_id = profile_consent.profile_id

)

select * from newsletter_readers
