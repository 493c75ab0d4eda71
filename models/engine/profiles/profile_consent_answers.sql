{{ config(materialized='view', access='protected') }}

{{ headwater.consents_weighed() }}
