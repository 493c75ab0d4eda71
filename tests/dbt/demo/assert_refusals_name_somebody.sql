-- A no whose e-mail address and phone number cannot be read can be followed for nobody: somebody has to look at it. It warns, since one
-- such row must not stop every push.
{{ config(severity='warn') }}

select
    consent_id,
    channel,
    purpose

from {{ ref('stg_consent__consents') }}

where
    state = 'opted_out'
    and email is null
    and phone is null
