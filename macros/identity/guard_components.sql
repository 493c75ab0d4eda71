{#- Statements: splits the components that break a limit, tier by tier.

    `edges` is a relation of (record_node, value_node, counted_node, identifier_type, tier, value_limit, merge_limit, strength,
    claim): the edges of
    those components. Tier -1 marks never link, but count against their limit; tier 0 edges are links made by hand, which are
    never shed. Leaves two scratch tables: `groups` (record_node, group_node) and `shed` (record_node, value_node,
    dropped_reason, dropped_detail).

    Each tier links the groups that the tiers before it made and locked. Values that a locked group has beyond a limit
    are dropped first (over_limit). Then a merged group that has more values of a type than a merge may give, or both records
    of a do-not-link pair, sheds the values that join most groups, and is linked again: first each value that alone
    breaks the limit and the next one in rank, then two more, then four, so that the rounds are few however large the
    group. In the last round it sheds all: the groups before were fine.

    What is shed because people decided that a pair is two keeps its clear owner: the group of the record whose claim to the
    value is best keeps its edges, and so do records that nothing more trusted puts anywhere else. Without one best claim
    nobody keeps it. -#}
{% macro guard_components(edges, groups, shed, tiers, max_rounds=10) -%}
    {%- do headwater.create_scratch(groups, "select record_node, record_node as group_node from " ~ edges ~ " group by record_node") -%}
    {%- do headwater.create_scratch(shed, headwater._no_shed_sql()) -%}
    {%- for tier in (tiers if headwater._has_rows(edges) else []) -%}
        {%- if tier > 0 -%}
            {%- set counted = [tier] + ([-1] if loop.first or tiers[loop.index0 - 1] == 0 else []) -%}
            {%- do run_query("insert into " ~ shed ~ headwater._over_limit_sql(edges, groups, shed, counted)) -%}
        {%- endif -%}
        {%- set state = namespace(done=false) -%}
        {%- for round in range(max_rounds) -%}
            {%- if not state.done -%}
                {%- set state.done = headwater._guard_round(edges, groups, shed, tier, round, round == max_rounds - 1) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: whether the tier is finished. -#}
{% macro _guard_round(edges, groups, shed, tier, round, is_last) -%}
    {%- set links = headwater.scratch_relation('guard_links') -%}
    {%- set labels = headwater.scratch_relation('guard_labels') -%}
    {%- set merged = headwater.scratch_relation('guard_merged') -%}
    {%- set broken = headwater.scratch_relation('guard_broken') -%}

    {%- do headwater.create_scratch(links, headwater._group_links_sql(edges, groups, shed, tier)) -%}
    {%- if not headwater._has_rows(links) -%}
        {%- do headwater.drop_scratch([links]) -%}
        {{ return(true) }}
    {%- endif -%}
    {%- do headwater.contract_components(links, labels, name='guard') -%}
    {%- do headwater.create_scratch(merged, headwater._merged_groups_sql(groups, labels)) -%}
    {%- do headwater.create_scratch(broken, headwater._broken_limits_sql(edges, merged, shed, tier)) -%}

    {%- set is_fine = tier == 0 or not headwater._has_rows(broken) -%}
    {%- if is_fine -%}
        {%- do headwater.create_scratch(groups, "select record_node, merged_node as group_node from " ~ merged) -%}
    {%- else -%}
        {%- do run_query("insert into " ~ shed ~ headwater._shed_values_sql(edges, merged, shed, broken, tier, 2 ** round, is_last)) -%}
        {%- do headwater.create_scratch(groups, headwater._kept_groups_sql(merged, broken)) -%}
    {%- endif -%}
    {%- do headwater.drop_scratch([links, labels, merged, broken]) -%}
    {{ return(is_fine) }}
{%- endmacro %}

{% macro _has_rows(relation) -%}
    {{ return((run_query("select count(*) from " ~ relation).columns[0].values()[0] | int) > 0) }}
{%- endmacro %}

{% macro _no_shed_sql() -%}
    select
        cast(0 as {{ dbt.type_bigint() }}) as record_node,
        cast(0 as {{ dbt.type_bigint() }}) as value_node,
        cast('' as {{ dbt.type_string() }}) as dropped_reason,
        cast('' as {{ dbt.type_string() }}) as dropped_detail
    from (select 1 as one) as nothing
    where one = 0
{%- endmacro %}

{#- Query fragment: edges that are not shed, each with its record's group. -#}
{% macro _live_edges_sql(edges, grouped, shed, columns) -%}
    select
        {{ columns }}
    from {{ edges }} as edges
    inner join {{ grouped }} as grouped on edges.record_node = grouped.record_node
    left join {{ shed }} as shed
        on edges.record_node = shed.record_node
        and edges.value_node = shed.value_node
    where shed.record_node is null
{%- endmacro %}

{#- A locked group's values of this tier beyond the limit: those on the fewest records go. What a hand-made link put
    together stays together, and a do-not-link pair inside it is what goes. -#}
{% macro _over_limit_sql(edges, groups, shed, tiers) %}
    with live as (
        {{ headwater._live_edges_sql(edges, groups, shed,
            "edges.record_node, edges.value_node, edges.counted_node, edges.identifier_type, edges.tier, edges.value_limit, grouped.group_node") }}
        and edges.value_limit is not null
        and edges.tier in ({{ tiers | join(', ') }})
    ),
    held as (
        select
            group_node,
            identifier_type,
            counted_node,
            max(tier) as tier,
            max(value_limit) as value_limit,
            count(*) as record_count
        from live
        group by group_node, identifier_type, counted_node
    ),
    ranked as (
        select
            group_node,
            identifier_type,
            counted_node,
            tier,
            value_limit,
            row_number() over (
                partition by group_node, identifier_type
                order by record_count desc, counted_node asc
            ) as place
        from held
    ),
    by_hand as (
        select grouped.group_node
        from {{ edges }} as edges
        inner join {{ groups }} as grouped on edges.record_node = grouped.record_node
        where edges.tier = 0
        group by grouped.group_node
    )
    select
        live.record_node,
        live.value_node,
        case when ranked.tier = -1 then 'contradicts_link' else 'over_limit' end as dropped_reason,
        live.identifier_type as dropped_detail
    from live
    inner join ranked
        on live.group_node = ranked.group_node
        and live.identifier_type = ranked.identifier_type
        and live.counted_node = ranked.counted_node
    left join by_hand on live.group_node = by_hand.group_node
    where
        ranked.place > ranked.value_limit
        and (by_hand.group_node is null or ranked.tier = -1)
{% endmacro %}

{% macro _group_links_sql(edges, groups, shed, tier) -%}
    with group_values as (
        {{ headwater._live_edges_sql(edges, groups, shed, "grouped.group_node, edges.value_node") }}
        and edges.tier = {{ tier }}
        group by grouped.group_node, edges.value_node
    ),
    hubs as (
        select value_node, min(group_node) as hub_node
        from group_values
        group by value_node
        having count(*) > 1
    )
    select
        hubs.hub_node as left_key,
        group_values.group_node as right_key
    from group_values
    inner join hubs on group_values.value_node = hubs.value_node
    where group_values.group_node <> hubs.hub_node
{%- endmacro %}

{% macro _merged_groups_sql(groups, labels) -%}
    select
        grouped.record_node,
        grouped.group_node,
        coalesce(labels.component, grouped.group_node) as merged_node
    from {{ groups }} as grouped
    left join {{ labels }} as labels on grouped.group_node = labels.node
{%- endmacro %}

{#- (merged_node, identifier_type, most_values): merged groups with more values of a type than a merge may give, and than
    any one of the groups merged into them: what was locked is not judged again. -#}
{% macro _broken_limits_sql(edges, merged, shed, tier) -%}
    with live as (
        {{ headwater._live_edges_sql(edges, merged, shed,
            "grouped.merged_node, grouped.group_node, edges.identifier_type, edges.counted_node, edges.merge_limit") }}
        and edges.merge_limit is not null
        and edges.tier <= {{ tier }}
    ),
    by_group as (
        select merged_node, identifier_type, group_node, count(distinct counted_node) as value_count
        from live
        group by merged_node, identifier_type, group_node
    ),
    largest as (
        select merged_node, identifier_type, max(value_count) as value_count
        from by_group
        group by merged_node, identifier_type
    ),
    by_merged as (
        select
            merged_node,
            identifier_type,
            max(merge_limit) as merge_limit,
            count(distinct counted_node) as value_count
        from live
        group by merged_node, identifier_type
    )
    select
        by_merged.merged_node,
        by_merged.identifier_type,
        greatest(by_merged.merge_limit, largest.value_count) as most_values
    from by_merged
    inner join largest
        on by_merged.merged_node = largest.merged_node
        and by_merged.identifier_type = largest.identifier_type
    where by_merged.value_count > greatest(by_merged.merge_limit, largest.value_count)
{%- endmacro %}

{% macro _shed_values_sql(edges, merged, shed, broken, tier, count, is_last) %}
    with live as (
        {{ headwater._live_edges_sql(edges, merged, shed,
            "grouped.merged_node, grouped.group_node, edges.record_node, edges.identifier_type, edges.value_node, edges.counted_node, "
            ~ "edges.tier, edges.strength, edges.claim") }}
        and edges.tier <= {{ tier }}
        and grouped.merged_node in (select merged_node from {{ broken }})
    ),
    joined as (
        select
            merged_node,
            group_node,
            value_node,
            min(strength) as strength
        from live
        where tier = {{ tier }}
        group by merged_node, group_node, value_node
    ),
    connectors as (
        select
            merged_node,
            value_node,
            min(strength) as strength,
            count(*) as fan_out
        from joined
        group by merged_node, value_node
        having count(*) > 1
    ),
    limited as (
        select
            live.group_node,
            live.identifier_type,
            live.counted_node,
            max(broken.most_values) as most_values
        from live
        inner join {{ broken }} as broken
            on live.merged_node = broken.merged_node
            and live.identifier_type = broken.identifier_type
        group by live.group_node, live.identifier_type, live.counted_node
    ),
    bridged_by_type as (
        select
            joined.value_node,
            limited.identifier_type,
            count(distinct limited.counted_node) - max(limited.most_values) as excess
        from joined
        inner join limited on joined.group_node = limited.group_node
        group by joined.value_node, limited.identifier_type
    ),
    bridged as (
        select value_node, max(excess) as excess
        from bridged_by_type
        group by value_node
    ),
    ranked as (
        select
            connectors.merged_node,
            connectors.value_node,
            coalesce(bridged.excess, -1) as excess,
            -- Probable matches that are equally likely go together: one of them would be a guess.
            rank() over (
                partition by connectors.merged_node
                order by
                    coalesce(bridged.excess, -1) desc,
                    connectors.fan_out desc,
                    connectors.strength asc nulls last,
                    case when connectors.strength is null then connectors.value_node end asc nulls last
            ) as place
        from connectors
        left join bridged on connectors.value_node = bridged.value_node
    ),
    causes as (
        select
            merged_node,
            min(identifier_type) as identifier_type,
            max(case when identifier_type like 'do_not_link %' then 1 else 0 end) as is_decided
        from {{ broken }}
        group by merged_node
    ),
    claims as (
        select
            live.merged_node,
            live.group_node,
            live.value_node,
            max(live.claim) as claim
        from live
        inner join causes on live.merged_node = causes.merged_node
        where live.tier = {{ tier }} and causes.is_decided = 1
        group by live.merged_node, live.group_node, live.value_node
    ),
    claims_ranked as (
        select
            group_node,
            value_node,
            rank() over (partition by value_node order by claim desc nulls last) as place,
            count(*) over (partition by value_node, claim) as equal_count
        from claims
        where claim is not null
    ),
    owners as (
        select group_node, value_node
        from claims_ranked
        where place = 1 and equal_count = 1
    ),
    placed as (
        select group_node
        from live
        where tier < {{ tier }}
        group by group_node
    )
    select
        live.record_node,
        live.value_node,
        case when causes.identifier_type like 'do_not_link %' then 'do_not_link' else 'limit' end as dropped_reason,
        causes.identifier_type as dropped_detail
    from live
    inner join ranked
        on live.value_node = ranked.value_node
        and live.tier = {{ tier }}
    inner join causes on ranked.merged_node = causes.merged_node
    left join owners on live.value_node = owners.value_node
    left join placed on live.group_node = placed.group_node
    where
        (owners.value_node is null or live.group_node <> owners.group_node)
        {%- if not is_last %}
        and (ranked.excess > 0 or ranked.place <= {{ count }})
        -- A value that by itself joins the two lets go of the other one only.
        and (owners.value_node is null or ranked.excess <= 0 or placed.group_node is not null)
        {%- endif %}
{% endmacro %}

{% macro _kept_groups_sql(merged, broken) -%}
    select
        merged.record_node,
        case when broken.merged_node is null then merged.merged_node else merged.group_node end as group_node
    from {{ merged }} as merged
    left join (select merged_node from {{ broken }} group by merged_node) as broken
        on merged.merged_node = broken.merged_node
{%- endmacro %}
