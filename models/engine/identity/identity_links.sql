{%- set entities = headwater.identity_rules() -%}
{{ config(materialized='identity_links', meta={'tiers': headwater.identity_tiers(entities)}) }}
{%- set folds = headwater.identity_attributes(entities) or headwater.identity_matching_enabled() -%}
{%- if not execute -%}{%- do ref('int_identity__ids_folded') -%}{%- endif -%}
{%- set key_of_pair = dbt.concat(["entity", "'|'", "action", "'|'", "left_key", "'|'", "right_key"]) -%}
{%- set key_of_match = dbt.concat(["entity", "'|match|'", "left_record_key", "'|'", "right_record_key"]) %}

with -- noqa: disable=LT02

edges as (

    select
        entity,
        record_node,
        value_node,
        identifier_type,
        tier,
        is_disposable,
        claim

    from {{ ref('identity_edges') }}

    where dropped_reason is null

),

decisions as (

    select
        entity,
        action,
        left_key,
        right_key,
        left_node,
        right_node

    from {{ ref('int_identity__overrides_resolved') }}

    where dropped_reason is null

),

{% if headwater.identity_matching_enabled() -%}
pairs as (

    select
        matched_pairs.entity,
        matched_pairs.left_record_key,
        matched_pairs.right_record_key,
        left_records.record_node as left_node,
        right_records.record_node as right_node,
        -- Every new record moves frequencies a little: only a change that counts is a change.
        round(matched_pairs.match_probability, 3) as match_strength

    from {{ ref('matched_pairs') }} as matched_pairs

    inner join {{ ref('identity_records') }} as left_records
        on matched_pairs.entity = left_records.entity
        and matched_pairs.left_record_key = left_records.record_key

    inner join {{ ref('identity_records') }} as right_records
        on matched_pairs.entity = right_records.entity
        and matched_pairs.right_record_key = right_records.record_key

),

{% endif -%}
by_identifier as (

    select
        edges.record_node,
        edges.value_node,
        {{ "coalesce(folded.counted_node, edges.value_node)" if folds else "edges.value_node" }} as counted_node,
        edges.identifier_type,
        edges.tier,
        case when not edges.is_disposable then {{ headwater._limits(entities, 'limit') }} end as value_limit,
        case when not edges.is_disposable then {{ headwater._limits(entities, 'merge_limit') }} end as merge_limit,
        cast(null as {{ dbt.type_float() }}) as strength,
        edges.claim

    from edges
    {%- if folds %}

    left join {{ ref('int_identity__ids_folded') }} as folded on edges.value_node = folded.value_node
    {%- endif %}

),

-- A hand-made link is a value that two records share, in a tier before all others.
by_hand as (

    select
        left_node as record_node,
        {{ headwater.node_key(key_of_pair) }} as value_node,
        {{ headwater.node_key(key_of_pair) }} as counted_node,
        'manual_link' as identifier_type,
        0 as tier,
        cast(null as {{ dbt.type_int() }}) as value_limit,
        cast(null as {{ dbt.type_int() }}) as merge_limit,
        cast(null as {{ dbt.type_float() }}) as strength,
        cast(null as {{ dbt.type_bigint() }}) as claim

    from decisions

    where action = 'link'

    union all

    select
        right_node as record_node,
        {{ headwater.node_key(key_of_pair) }} as value_node,
        {{ headwater.node_key(key_of_pair) }} as counted_node,
        'manual_link' as identifier_type,
        0 as tier,
        cast(null as {{ dbt.type_int() }}) as value_limit,
        cast(null as {{ dbt.type_int() }}) as merge_limit,
        cast(null as {{ dbt.type_float() }}) as strength,
        cast(null as {{ dbt.type_bigint() }}) as claim

    from decisions

    where action = 'link'

),

-- Two records that must stay apart carry two values of a type of which one person may have one.
kept_apart as (

    select
        left_node as record_node,
        {{ headwater.node_key(dbt.concat([key_of_pair, "'|left'"])) }} as value_node,
        {{ headwater.node_key(dbt.concat([key_of_pair, "'|left'"])) }} as counted_node,
        {{ dbt.concat(["'do_not_link '", "left_key", "' '", "right_key"]) }} as identifier_type,
        -1 as tier,
        1 as value_limit,
        1 as merge_limit,
        cast(null as {{ dbt.type_float() }}) as strength,
        cast(null as {{ dbt.type_bigint() }}) as claim

    from decisions

    where action = 'do_not_link'

    union all

    select
        right_node as record_node,
        {{ headwater.node_key(dbt.concat([key_of_pair, "'|right'"])) }} as value_node,
        {{ headwater.node_key(dbt.concat([key_of_pair, "'|right'"])) }} as counted_node,
        {{ dbt.concat(["'do_not_link '", "left_key", "' '", "right_key"]) }} as identifier_type,
        -1 as tier,
        1 as value_limit,
        1 as merge_limit,
        cast(null as {{ dbt.type_float() }}) as strength,
        cast(null as {{ dbt.type_bigint() }}) as claim

    from decisions

    where action = 'do_not_link'

),

{% if headwater.identity_matching_enabled() -%}
by_probability as (

    select
        left_node as record_node,
        {{ headwater.node_key(key_of_match) }} as value_node,
        {{ headwater.node_key(key_of_match) }} as counted_node,
        'match' as identifier_type,
        {{ headwater.identity_matching_tier() }} as tier,
        cast(null as {{ dbt.type_int() }}) as value_limit,
        cast(null as {{ dbt.type_int() }}) as merge_limit,
        match_strength as strength,
        cast(null as {{ dbt.type_bigint() }}) as claim

    from pairs

    union all

    select
        right_node as record_node,
        {{ headwater.node_key(key_of_match) }} as value_node,
        {{ headwater.node_key(key_of_match) }} as counted_node,
        'match' as identifier_type,
        {{ headwater.identity_matching_tier() }} as tier,
        cast(null as {{ dbt.type_int() }}) as value_limit,
        cast(null as {{ dbt.type_int() }}) as merge_limit,
        match_strength as strength,
        cast(null as {{ dbt.type_bigint() }}) as claim

    from pairs

),

{% endif -%}
unioned as (

    select * from by_identifier

    union all

    select * from by_hand

    union all

    select * from kept_apart

    {%- if headwater.identity_matching_enabled() %}

    union all

    select * from by_probability
    {%- endif %}

)

select * from unioned
