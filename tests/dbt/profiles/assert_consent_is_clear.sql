-- What was said about consent and could not be taken as it was said: somebody has to look at it. It warns, since each is read in
-- the strictest way already, and one such row must not stop every push.
{{ config(severity='warn') }}

select
    said_by,
    problem,
    word,
    taken_as,
    answers

from {{ ref('consent_unclear') }}
