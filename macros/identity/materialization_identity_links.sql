{#- Materialisation: resolves edges into clusters, and keeps the outcome beside every edge.

    The model's query gives the edges in use now: (record_node, value_node, identifier_type, tier,
    value_limit, merge_limit, strength).
    The table adds component_node (all edges counted), cluster_node (after the guard), dropped_reason and dropped_detail.

    It compares the query with the table itself, so it needs no notion of what is new, and a run that broke off is
    mended by the next. New edges are contracted on the graph of the components there are; components that lost an edge
    are taken apart and contracted again; only components touched are guarded again and written. -#}
{% materialization identity_links, default %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set settings = config.get('meta', {}) -%}
    {%- set is_full = existing is none or existing.type != 'table' or should_full_refresh() -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do drop_leftover_scratch() -%}

    {%- set affected = scratch_relation('affected') -%}
    {%- if is_full -%}
        {%- do _affected_by_all(sql, affected) -%}
    {%- else -%}
        {%- do _affected_by_changes(sql, existing, affected) -%}
    {%- endif -%}

    {%- set violating = scratch_relation('violating') -%}
    {%- set groups = scratch_relation('groups') -%}
    {%- set shed = scratch_relation('shed') -%}
    {%- do create_scratch(violating, _violating_edges_sql(affected)) -%}
    {%- do guard_components(violating, groups, shed, settings.tiers) -%}

    {%- if is_full -%}
        {%- if existing is not none and existing.type != 'table' -%}
            {%- do adapter.drop_relation(existing) -%}
        {%- endif -%}
        {% call statement('main') -%}
            create or replace table {{ target_relation }} as {{ _resolved_edges_sql(affected, groups, shed) }}
        {%- endcall %}
    {%- else -%}
        {%- set columns = 'record_node, value_node, identifier_type, tier, value_limit, merge_limit, strength, '
            ~ 'component_node, cluster_node, dropped_reason, dropped_detail' -%}
        {% call statement('remove') -%}
            delete from {{ target_relation }}
            where component_node in (select component_node from {{ scratch_relation('touched') }})
        {%- endcall %}
        {% call statement('main') -%}
            insert into {{ target_relation }} ({{ columns }})
            select {{ columns }} from ({{ _resolved_edges_sql(affected, groups, shed) }}) as resolved
        {%- endcall %}
        {%- do drop_scratch([scratch_relation('touched')]) -%}
    {%- endif -%}
    {%- do drop_scratch([affected, violating, groups, shed]) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() if target.type == 'duckdb' }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Statements: every edge with its component. -#}
{% macro _affected_by_all(sql, affected) -%}
    {%- set edges = scratch_relation('edges') -%}
    {%- do create_scratch(edges, "select *, record_node as rep_node from (" ~ sql ~ ") as edges") -%}
    {%- set labels = _contracted_reps(edges) -%}
    {%- do create_scratch(affected, _labelled_sql(edges, labels)) -%}
    {%- do drop_scratch([edges, labels]) -%}
{%- endmacro %}

{#- Statements: every edge, as it is now, of each component that something changed in; `touched` holds the components as
    the table has them, whose rows go. A component that lost nothing is one node (its number) of the graph to contract. -#}
{% macro _affected_by_changes(sql, existing, affected) -%}
    {%- set buckets = scratch_relation('buckets') -%}
    {%- set added = scratch_relation('added') -%}
    {%- set broken = scratch_relation('apart') -%}
    {%- set joints = scratch_relation('joints') -%}
    {%- set touched = scratch_relation('touched') -%}
    {%- set known = scratch_relation('known') -%}
    {%- set records = scratch_relation('records') -%}

    {%- do create_scratch(buckets, _changed_buckets_sql(sql, existing)) -%}
    {%- do create_scratch(added, _edges_missing_sql(sql, existing, buckets, 'record_node, value_node')) -%}
    {#- Components that lost an edge. -#}
    {%- do create_scratch(broken, "select component_node from ("
        ~ _edges_missing_sql("select * from " ~ existing, "(" ~ sql ~ ")", buckets, 'component_node')
        ~ ") as lost group by component_node") -%}
    {#- Edges on a value that gained a record, or in a component that is taken apart. -#}
    {%- do create_scratch(joints, _joints_sql(sql, existing, added, broken)) -%}
    {%- do create_scratch(known, _known_components_sql(existing, joints, broken)) -%}
    {%- set edges = scratch_relation('edges') -%}
    {%- do create_scratch(edges, _represented_sql(joints, known)) -%}
    {%- set labels = _contracted_reps(edges) -%}
    {%- do create_scratch(touched, "select component_node from " ~ known ~ " group by component_node union all "
        ~ "select component_node from " ~ broken) -%}
    {%- do create_scratch(records, _touched_records_sql(existing, touched, broken, edges)) -%}
    {%- do create_scratch(affected, _relabelled_sql(sql, records, labels)) -%}
    {%- do drop_scratch([buckets, added, broken, joints, known, records, edges, labels]) -%}
{%- endmacro %}

{#- Statements: components of (rep_node, value_node) edges by rep_node; returns the relation of (node, component). -#}
{% macro _contracted_reps(edges) -%}
    {%- set links = scratch_relation('links') -%}
    {%- set labels = scratch_relation('labels') -%}
    {%- do create_scratch(links, _rep_links_sql(edges)) -%}
    {%- do contract_components(links, labels) -%}
    {%- do drop_scratch([links]) -%}
    {{ return(labels) }}
{%- endmacro %}

{#- One holder stands for all that share a value: n - 1 links instead of n * (n - 1) / 2. -#}
{% macro _rep_links_sql(edges) -%}
    with hubs as (
        select value_node, min(rep_node) as hub_node
        from {{ edges }}
        where tier >= 0
        group by value_node
        having min(rep_node) <> max(rep_node)
    )
    select
        hubs.hub_node as left_key,
        edges.rep_node as right_key
    from {{ edges }} as edges
    inner join hubs on edges.value_node = hubs.value_node
    where edges.rep_node <> hubs.hub_node
{%- endmacro %}

{% macro _labelled_sql(edges, labels) -%}
    select
        edges.record_node,
        edges.value_node,
        edges.identifier_type,
        edges.tier,
        edges.value_limit,
        edges.merge_limit,
        edges.strength,
        coalesce(labels.component, edges.rep_node) as component_node
    from {{ edges }} as edges
    left join {{ labels }} as labels on edges.rep_node = labels.node
{%- endmacro %}

{#- Buckets of records whose edges differ, by two sums over each bucket: far cheaper than comparing edge by edge, which
    is then done inside these buckets only. The sums stay below 2^63 for some thousand edges a bucket. -#}
{% macro _changed_buckets_sql(sql, existing) -%}
    with now_sums as ({{ _bucket_sums_sql(sql) }}),
    old_sums as ({{ _bucket_sums_sql("select * from " ~ existing) }})
    select coalesce(now_sums.bucket, old_sums.bucket) as bucket
    from now_sums
    full outer join old_sums on now_sums.bucket = old_sums.bucket
    where
        now_sums.bucket is null
        or old_sums.bucket is null
        or now_sums.pair_sum <> old_sums.pair_sum
        or now_sums.rule_sum <> old_sums.rule_sum
{%- endmacro %}

{% macro _bucket_sums_sql(query) -%}
    select
        mod(record_node, 1048573) as bucket,
        sum(mod(record_node, 33554393) * mod(value_node, 33554383)) as pair_sum,
        sum(
            mod(value_node, 1073741789)
            * (tier + 2 + 256 * coalesce(value_limit, 0) + 65537 * coalesce(merge_limit, 0))
            + cast(floor(coalesce(strength, 0) * 1000000) as {{ dbt.type_bigint() }})
        ) as rule_sum
    from ({{ query }}) as edges
    group by 1
{%- endmacro %}

{#- Edges of the first in changed buckets that the second does not have just so. -#}
{% macro _edges_missing_sql(query, other, buckets, columns) -%}
    select
        {%- for column in columns.split(', ') %}
        edges.{{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from ({{ query }}) as edges
    inner join {{ buckets }} as buckets on mod(edges.record_node, 1048573) = buckets.bucket
    left join (
        select
            others.record_node,
            others.value_node,
            others.identifier_type,
            others.tier,
            others.value_limit,
            others.merge_limit,
            others.strength
        from {{ other }} as others
        inner join {{ buckets }} as other_buckets on mod(others.record_node, 1048573) = other_buckets.bucket
    ) as same
        on edges.record_node = same.record_node
        and edges.value_node = same.value_node
        and edges.identifier_type = same.identifier_type
        and edges.tier = same.tier
        and coalesce(edges.value_limit, -1) = coalesce(same.value_limit, -1)
        and coalesce(edges.merge_limit, -1) = coalesce(same.merge_limit, -1)
        and coalesce(edges.strength, -1) = coalesce(same.strength, -1)
    where same.record_node is null
{%- endmacro %}

{% macro _joints_sql(sql, existing, added, broken) -%}
    with changed_values as (
        select value_node from {{ added }}
        union all
        select existing.value_node
        from {{ existing }} as existing
        inner join {{ broken }} as broken on existing.component_node = broken.component_node
    ),
    distinct_values as (
        select value_node from changed_values group by value_node
    )
    select
        edges.record_node,
        edges.value_node,
        edges.tier
    from ({{ sql }}) as edges
    inner join distinct_values on edges.value_node = distinct_values.value_node
{%- endmacro %}

{% macro _known_components_sql(existing, joints, broken) -%}
    with holders as (
        select record_node from {{ joints }} group by record_node
    )
    select
        existing.record_node,
        min(existing.component_node) as component_node
    from {{ existing }} as existing
    inner join holders on existing.record_node = holders.record_node
    left join {{ broken }} as broken on existing.component_node = broken.component_node
    where broken.component_node is null
    group by existing.record_node
{%- endmacro %}

{% macro _represented_sql(joints, known) -%}
    select
        joints.record_node,
        joints.value_node,
        joints.tier,
        coalesce(known.component_node, joints.record_node) as rep_node
    from {{ joints }} as joints
    left join {{ known }} as known on joints.record_node = known.record_node
{%- endmacro %}

{#- Every record of a component that something changed in, with what stands for it in the contracted graph. -#}
{% macro _touched_records_sql(existing, touched, broken, edges) -%}
    with every as (
        select
            existing.record_node,
            case when broken.component_node is null then existing.component_node else existing.record_node end as rep_node
        from {{ existing }} as existing
        inner join {{ touched }} as touched on existing.component_node = touched.component_node
        left join {{ broken }} as broken on existing.component_node = broken.component_node
        union all
        select record_node, rep_node from {{ edges }}
    )
    select record_node, min(rep_node) as rep_node
    from every
    group by record_node
{%- endmacro %}

{% macro _relabelled_sql(sql, records, labels) -%}
    select
        edges.record_node,
        edges.value_node,
        edges.identifier_type,
        edges.tier,
        edges.value_limit,
        edges.merge_limit,
        edges.strength,
        coalesce(labels.component, records.rep_node) as component_node
    from ({{ sql }}) as edges
    inner join {{ records }} as records on edges.record_node = records.record_node
    left join {{ labels }} as labels on records.rep_node = labels.node
{%- endmacro %}

{#- Edges of the components that have more values of a type than its limit. -#}
{% macro _violating_edges_sql(affected) -%}
    with broken_types as (
        select component_node
        from {{ affected }}
        where merge_limit is not null
        group by component_node, identifier_type
        having count(distinct value_node) > max(merge_limit)
    ),
    broken as (
        select component_node from broken_types group by component_node
    )
    select
        affected.record_node,
        affected.value_node,
        affected.identifier_type,
        affected.tier,
        affected.value_limit,
        affected.merge_limit,
        affected.strength
    from {{ affected }} as affected
    inner join broken on affected.component_node = broken.component_node
{%- endmacro %}

{% macro _resolved_edges_sql(affected, groups, shed) -%}
    select
        affected.record_node,
        affected.value_node,
        affected.identifier_type,
        affected.tier,
        affected.value_limit,
        affected.merge_limit,
        affected.strength,
        affected.component_node,
        coalesce(grouped.group_node, affected.component_node) as cluster_node,
        shed.dropped_reason,
        shed.dropped_detail
    from {{ affected }} as affected
    left join {{ groups }} as grouped on affected.record_node = grouped.record_node
    left join {{ shed }} as shed
        on affected.record_node = shed.record_node
        and affected.value_node = shed.value_node
{%- endmacro %}
