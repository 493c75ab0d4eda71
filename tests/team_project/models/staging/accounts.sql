-- Who may log in to the shop. Headwater has a model of this name too: each stays its owner's.
select
    member_no as login,
    mail as address
from {{ ref('stg_club__members') }}
