{#- Relation-shaped query in brackets: (identifier_type, identifier_value, requested_at) of those in `given`, a relation or CTE of the first two
    columns, that are an erased person's alone, or, by the scope `shared`, that others have too; asked for last at requested_at. A request
    counts whatever the time of the build: who is erased is not there for yesterday either. Without requests nothing is hashed. -#}
{% macro erased_values(given, scope='erase') -%}
(
    select
        held.identifier_type,
        held.identifier_value,
        max(requests.requested_at) as requested_at

    from {{ given }} as held

    cross join (
        select distinct salt

        from {{ ref('headwater', 'stg_sync__erasure_requests') }}

        where scope = '{{ scope }}'
    ) as salts

    inner join {{ ref('headwater', 'stg_sync__erasure_requests') }} as requests
        on salts.salt = requests.salt
        and held.identifier_type = requests.identifier_type
        and requests.identifier_value_sha256 = {{ headwater.erasure_hash('salts.salt', 'held.identifier_value') }}

    where requests.scope = '{{ scope }}'

    group by held.identifier_type, held.identifier_value
)
{%- endmacro %}
