-- gmail.com is nobody's employer: one such company would hold thousands of strangers, and its owner
-- would see them all.
with

account_identifiers as (

    select
        account_id,
        identifier_value

    from {{ ref('account_identifiers') }}

    where identifier_type = 'domain'

),

accounts as (

    select
        account_id,
        domain

    from {{ ref('accounts') }}

),

free_mail_domains as (

    select domain

    from {{ ref('free_mail_domains') }}

    union all

    -- Families such as yahoo.*, and hosts where anybody may have a page.
    select domain

    from {{ ref('int_identity__domains') }}

    where is_shared

)

select account_identifiers.account_id

from account_identifiers

inner join free_mail_domains on account_identifiers.identifier_value = free_mail_domains.domain

union all

select accounts.account_id

from accounts

inner join free_mail_domains on accounts.domain = free_mail_domains.domain
