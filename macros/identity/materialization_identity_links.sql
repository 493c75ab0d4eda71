{#- Materialisation: resolves edges into clusters, and keeps the outcome beside every edge.

    The model's query gives the edges in use now: (record_node, value_node, counted_node, identifier_type, tier,
    value_limit, merge_limit, strength, claim). Values of one counted_node count as one against a limit.
    The table adds component_node (all edges counted), cluster_node (after the guard), dropped_reason and dropped_detail.

    It compares the query with the table itself, so it needs no notion of what is new, and a run that broke off is
    mended by the next; where table_versions says that it would be given the edges it was given, it does nothing. New edges are contracted on the graph of the components there are; components that lost an edge
    are taken apart and contracted again; only components touched are guarded again and written. -#}
{% materialization identity_links, default %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set settings = config.get('meta', {}) -%}
    {%- set is_full = existing is none or existing.type != 'table' or should_full_refresh()
        or not headwater.has_column(existing, 'counted_node') -%}

    {{ headwater.run_hooks_outside(pre_hooks) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do headwater.drop_leftover_scratch() -%}
    {%- set now = headwater._versions_now(sql, target_relation) -%}
    {%- set why = 'its columns are of an earlier version' if is_full else '' -%}
    {%- set why = headwater._why_made(existing, now) or why -%}
    {%- if why -%}
        {%- do log(model.name ~ ': resolved, since ' ~ why) -%}
        {%- do headwater._forget_version(target_relation, now) -%}
        {%- do headwater._resolve_edges(sql, existing, target_relation, settings, is_full) -%}
    {%- else -%}
        {%- do headwater._leave_alone() -%}
    {%- endif -%}

    {%- do headwater._end_made_or_left(target_relation, now, why, post_hooks) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Statements: the table as the query and what it holds make it. -#}
{% macro _resolve_edges(sql, existing, target_relation, settings, is_full) -%}
    {%- set affected = headwater.scratch_relation('affected') -%}
    {%- set rewritten = headwater.scratch_relation('rewritten') -%}
    {%- if is_full -%}
        {%- do headwater._affected_by_all(sql, affected) -%}
    {%- else -%}
        {%- do headwater._affected_by_changes(sql, existing, affected, rewritten) -%}
    {%- endif -%}

    {%- set violating = headwater.scratch_relation('violating') -%}
    {%- set groups = headwater.scratch_relation('groups') -%}
    {%- set shed = headwater.scratch_relation('shed') -%}
    {%- do headwater.create_scratch(violating, headwater._violating_edges_sql(affected)) -%}
    {%- do headwater.guard_components(violating, groups, shed, settings.tiers) -%}

    {%- if is_full -%}
        {%- if existing is not none and existing.type != 'table' -%}
            {%- do adapter.drop_relation(existing) -%}
        {%- endif -%}
        {% call statement('main') -%}
            create or replace table {{ target_relation }} as {{ headwater._resolved_edges_sql(affected, groups, shed) }}
        {%- endcall %}
    {%- else -%}
        {%- set columns = (headwater._edge_columns() + ['component_node', 'cluster_node', 'dropped_reason', 'dropped_detail']) | join(', ') -%}
        {% call statement('remove') -%}
            delete from {{ target_relation }}
            where component_node in (select component_node from {{ rewritten }})
        {%- endcall %}
        {% call statement('main') -%}
            insert into {{ target_relation }} ({{ columns }})
            select {{ columns }} from ({{ headwater._resolved_edges_sql(affected, groups, shed) }}) as resolved
        {%- endcall %}
        {%- do headwater.drop_scratch([rewritten]) -%}
    {%- endif -%}
    {%- do headwater.drop_scratch([affected, violating, groups, shed]) -%}
{%- endmacro %}

{#- Statements: every edge with its component. -#}
{% macro _affected_by_all(sql, affected) -%}
    {%- set edges = headwater.scratch_relation('edges') -%}
    {%- do headwater.create_scratch(edges, "select *, record_node as rep_node from (" ~ sql ~ ") as edges") -%}
    {%- set labels = headwater._contracted_reps(edges) -%}
    {%- do headwater.create_scratch(affected, headwater._labelled_sql(edges, labels)) -%}
    {%- do headwater.drop_scratch([edges, labels]) -%}
{%- endmacro %}

{#- Statements: `affected`, the edges to write: every edge of a component that is taken apart, takes another number or
    breaks a limit, and new edges alone where a component merely grows. `rewritten` holds the components, as the table
    has them, whose rows go.

    In the graph that is contracted a component that lost nothing is one node (its number), and one that lost an edge is
    its records. -#}
{% macro _affected_by_changes(sql, existing, affected, rewritten) -%}
    {%- set added = headwater.scratch_relation('added') -%}
    {%- set removed = headwater.scratch_relation('removed') -%}
    {%- set broken = headwater.scratch_relation('broken') -%}
    {%- set joints = headwater.scratch_relation('joints') -%}
    {%- set fates = headwater.scratch_relation('fates') -%}
    {%- set stored = "select * from " ~ existing -%}

    {%- do headwater.create_scratch(added, headwater._edges_missing_sql(sql, stored, headwater._edge_columns())) -%}
    {#- Pairs are unique on both sides, so counts tell whether any edge was lost without looking for it. -#}
    {%- set lost = headwater._row_count(stored) - headwater._row_count(sql) + headwater._row_count("select * from " ~ added) -%}
    {%- do headwater.create_scratch(removed, headwater._edges_missing_sql(stored, sql, ['record_node', 'value_node', 'component_node'])
        if lost else "select record_node, value_node, component_node from " ~ existing ~ " where 1 = 0") -%}
    {%- do headwater.create_scratch(broken, "select component_node from " ~ removed ~ " group by component_node") -%}
    {%- do headwater.create_scratch(joints, headwater._joints_sql(existing, added, removed, broken)) -%}
    {%- set labels = headwater._contracted_reps(joints) -%}
    {%- do headwater.create_scratch(fates, headwater._fates_sql(existing, joints, labels)) -%}
    {%- do headwater.create_scratch(rewritten, headwater._rewritten_sql(existing, added, removed, broken, joints, fates)) -%}
    {%- do headwater.create_scratch(affected, headwater._affected_sql(existing, added, removed, broken, joints, fates, rewritten)) -%}
    {%- do headwater.drop_scratch([added, removed, broken, joints, labels, fates]) -%}
{%- endmacro %}

{% macro _edge_columns() -%}
    {{ return([
        'record_node', 'value_node', 'counted_node', 'identifier_type', 'tier', 'value_limit', 'merge_limit', 'strength', 'claim',
    ]) }}
{%- endmacro %}

{#- Statements: components of (rep_node, value_node) edges by rep_node; returns the relation of (node, component). -#}
{% macro _contracted_reps(edges) -%}
    {%- set links = headwater.scratch_relation('links') -%}
    {%- set labels = headwater.scratch_relation('labels') -%}
    {%- do headwater.create_scratch(links, headwater._rep_links_sql(edges)) -%}
    {%- do headwater.contract_components(links, labels) -%}
    {%- do headwater.drop_scratch([links]) -%}
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
        edges.counted_node,
        edges.identifier_type,
        edges.tier,
        edges.value_limit,
        edges.merge_limit,
        edges.strength,
        edges.claim,
        coalesce(labels.component, edges.rep_node) as component_node
    from {{ edges }} as edges
    left join {{ labels }} as labels on edges.rep_node = labels.node
{%- endmacro %}

{#- Edges of the first query that the second does not have alike. A value's number stands for its type too. -#}
{% macro _edges_missing_sql(query, other, columns) -%}
    select
        {%- for column in columns %}
        edges.{{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from ({{ query }}) as edges
    left join ({{ other }}) as others
        on edges.record_node = others.record_node
        and edges.value_node = others.value_node
    where
        others.record_node is null
        or edges.tier <> others.tier
        or edges.counted_node <> others.counted_node
        or coalesce(edges.value_limit, -1) <> coalesce(others.value_limit, -1)
        or coalesce(edges.merge_limit, -1) <> coalesce(others.merge_limit, -1)
        or coalesce(edges.strength, -1) <> coalesce(others.strength, -1)
        or coalesce(edges.claim, -1) <> coalesce(others.claim, -1)
{%- endmacro %}

{% macro _row_count(query) -%}
    {{ return(run_query("select count(*) from (" ~ query ~ ") as counted").columns[0].values()[0] | int) }}
{%- endmacro %}

{#- Edges that decide what is joined now: new ones, those on the same values, and those of components taken apart. -#}
{% macro _joints_sql(existing, added, removed, broken) -%}
    with added_values as (
        select value_node from {{ added }} group by value_node
    ),
    added_records as (
        select record_node from {{ added }} group by record_node
    ),
    homes as (
        select
            existing.record_node,
            min(existing.component_node) as component_node
        from {{ existing }} as existing
        inner join added_records on existing.record_node = added_records.record_node
        left join {{ broken }} as broken on existing.component_node = broken.component_node
        where broken.component_node is null
        group by existing.record_node
    )
    select
        added.record_node,
        added.value_node,
        added.tier,
        coalesce(homes.component_node, added.record_node) as rep_node,
        case when homes.component_node is null then 0 else 1 end as is_component
    from {{ added }} as added
    left join homes on added.record_node = homes.record_node
    union all
    select
        existing.record_node,
        existing.value_node,
        existing.tier,
        existing.component_node as rep_node,
        1 as is_component
    from {{ existing }} as existing
    inner join added_values on existing.value_node = added_values.value_node
    left join {{ broken }} as broken on existing.component_node = broken.component_node
    where broken.component_node is null
    union all
    select
        existing.record_node,
        existing.value_node,
        existing.tier,
        existing.record_node as rep_node,
        0 as is_component
    from {{ existing }} as existing
    inner join {{ broken }} as broken on existing.component_node = broken.component_node
    left join {{ removed }} as removed
        on existing.record_node = removed.record_node
        and existing.value_node = removed.value_node
    where removed.record_node is null
{%- endmacro %}

{#- (rep_node, component_node): what each node of the contracted graph belongs to now. A merged component keeps the number of its
    largest part, so that few rows change; a sixteenth of the records tells well enough which one that is. -#}
{% macro _fates_sql(existing, joints, labels) -%}
    with reps as (
        select rep_node, max(is_component) as is_component from {{ joints }} group by rep_node
    ),
    sizes as (
        select
            component_node,
            count(*) as edge_count
        from {{ existing }}
        where mod(record_node, 16) = 0
        group by component_node
    ),
    labelled as (
        select
            reps.rep_node,
            reps.is_component,
            coalesce(labels.component, reps.rep_node) as label,
            coalesce(sizes.edge_count, 0) as edge_count
        from reps
        left join {{ labels }} as labels on reps.rep_node = labels.node
        left join sizes on reps.rep_node = sizes.component_node
    )
    select
        rep_node,
        first_value(rep_node) over (
            partition by label
            order by is_component desc nulls last, edge_count desc, rep_node asc
        ) as component_node
    from labelled
{%- endmacro %}

{#- Components that are taken apart, take another number, or end in one that breaks a limit. -#}
{% macro _rewritten_sql(existing, added, removed, broken, joints, fates) -%}
    with limited as (
        select fates.component_node, existing.identifier_type, existing.counted_node, existing.merge_limit
        from {{ existing }} as existing
        inner join {{ fates }} as fates on existing.component_node = fates.rep_node
        left join {{ broken }} as broken on existing.component_node = broken.component_node
        where existing.merge_limit is not null and broken.component_node is null
        union all
        select fates.component_node, added.identifier_type, added.counted_node, added.merge_limit
        from {{ added }} as added
        inner join ({{ headwater._rep_of_records_sql(joints) }}) as reps on added.record_node = reps.record_node
        inner join {{ fates }} as fates on reps.rep_node = fates.rep_node
        where added.merge_limit is not null
    ),
    over_types as (
        select component_node
        from limited
        group by component_node, identifier_type
        having count(distinct counted_node) > max(merge_limit)
    ),
    excessive as (
        select component_node from over_types group by component_node
    )
    select component_node from {{ broken }}
    union all
    select fates.rep_node as component_node
    from {{ fates }} as fates
    left join excessive on fates.component_node = excessive.component_node
    left join {{ broken }} as broken on fates.rep_node = broken.component_node
    where
        (fates.rep_node <> fates.component_node or excessive.component_node is not null)
        and broken.component_node is null
{%- endmacro %}

{% macro _rep_of_records_sql(joints) -%}
    select record_node, min(rep_node) as rep_node from {{ joints }} group by record_node
{%- endmacro %}

{% macro _affected_sql(existing, added, removed, broken, joints, fates, rewritten) -%}
    with reps as (
        {{ headwater._rep_of_records_sql(joints) }}
    )
    select
        {%- for column in headwater._edge_columns() %}
        added.{{ column }},
        {%- endfor %}
        fates.component_node
    from {{ added }} as added
    inner join reps on added.record_node = reps.record_node
    inner join {{ fates }} as fates on reps.rep_node = fates.rep_node
    union all
    select
        {%- for column in headwater._edge_columns() %}
        existing.{{ column }},
        {%- endfor %}
        fates.component_node
    from {{ existing }} as existing
    inner join {{ rewritten }} as rewritten on existing.component_node = rewritten.component_node
    left join {{ broken }} as broken on existing.component_node = broken.component_node
    left join {{ removed }} as removed
        on existing.record_node = removed.record_node
        and existing.value_node = removed.value_node
    inner join {{ fates }} as fates
        on case when broken.component_node is null then existing.component_node else existing.record_node end = fates.rep_node
    where removed.record_node is null
{%- endmacro %}

{#- Edges of the components that have more values of a type than its limit. -#}
{% macro _violating_edges_sql(affected) -%}
    with broken_types as (
        select component_node
        from {{ affected }}
        where merge_limit is not null
        group by component_node, identifier_type
        having count(distinct counted_node) > max(merge_limit)
    ),
    broken as (
        select component_node from broken_types group by component_node
    )
    select
        affected.record_node,
        affected.value_node,
        affected.counted_node,
        affected.identifier_type,
        affected.tier,
        affected.value_limit,
        affected.merge_limit,
        affected.strength,
        affected.claim
    from {{ affected }} as affected
    inner join broken on affected.component_node = broken.component_node
{%- endmacro %}

{% macro _resolved_edges_sql(affected, groups, shed) -%}
    select
        affected.record_node,
        affected.value_node,
        affected.counted_node,
        affected.identifier_type,
        affected.tier,
        affected.value_limit,
        affected.merge_limit,
        affected.strength,
        affected.claim,
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
