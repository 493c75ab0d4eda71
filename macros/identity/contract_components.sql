{#- Statements: connected components of a graph, by min-contraction.

    `edges` is a relation of (left_key, right_key), whole numbers of 64 bits, never null; self-loops, duplicates and either
    direction may be in it. `result` becomes a scratch table of (node, component) for every node of an edge between two
    nodes; the component is its smallest node.

    A round gives each node the smallest of itself and its neighbours as parent, follows parents a few times
    (jumps), and replaces the edges by those between parents. What is left has far fewer nodes; when no edge is left, the
    rounds' parents are composed from the last to the first. The jumps of a round double whenever the round before left more
    than half of the edges, and grow fourfold when it left more than nine tenths; more than a path through all nodes needs
    are never made. A long chain in order of its ids hardly shrinks at all, since all its parents differ: what is left of
    such a graph is contracted with its ids shuffled, and each component then given back its smallest node.
    Every round is a handful of plain statements, the same on every warehouse. -#}
{% macro contract_components(edges, result, name='', max_rounds=40, is_shuffled=false) -%}
    {%- set state = namespace(edges=edges, count=none, jumps=1, rounds=[], scratch=[], later=none, done=false) -%}
    {%- set prefix = (name ~ '_' if name else '') -%}

    {%- for round in range(max_rounds) -%}
        {%- if not state.done -%}
            {%- set parents = headwater._follow_parents(state.edges, prefix ~ 'parents_' ~ round, state.jumps) -%}
            {%- do state.rounds.append(parents) -%}
            {%- set contracted = headwater.scratch_relation(prefix ~ 'edges_' ~ round) -%}
            {%- do headwater.create_scratch(contracted, headwater._contracted_edges_sql(state.edges, parents)) -%}
            {%- do state.scratch.append(contracted) -%}
            {%- set count = run_query("select count(*) from " ~ contracted).columns[0].values()[0] | int -%}
            {%- set hardly_shrinks = state.count is not none and count * 10 > state.count * 9 -%}
            {%- if state.count is not none and count * 2 > state.count -%}
                {%- set faster = state.jumps * (4 if hardly_shrinks else 2) -%}
                {%- set state.jumps = [faster, count.bit_length() + 1] | min -%}
            {%- endif -%}
            {%- if state.edges != edges -%}
                {%- do headwater.drop_scratch([state.edges]) -%}
            {%- endif -%}
            {%- set state.edges = contracted -%}
            {%- set state.count = count -%}
            {%- set state.done = count == 0 -%}
            {%- if hardly_shrinks and count > 1000 and not is_shuffled -%}
                {%- set state.later = headwater.scratch_relation(prefix ~ 'unshuffled') -%}
                {%- do headwater._contract_shuffled(contracted, state.later, prefix, max_rounds) -%}
                {%- set state.done = true -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}

    {%- if not state.done -%}
        {%- do headwater.drop_leftover_scratch() -%}
        {{ exceptions.raise_compiler_error(
            this.identifier ~ ": components did not converge in " ~ max_rounds ~ " rounds; " ~ state.count
            ~ " edges are left. Raise config.meta.max_rounds of the model and report the shape of the data."
        ) }}
    {%- endif -%}

    {%- do headwater._compose_rounds(state.rounds, result, state.later) -%}
    {%- do headwater.drop_scratch(state.rounds + state.scratch) -%}
    {{ return(state.rounds | length) }}
{%- endmacro %}

{#- Statements: components of `edges` found with other ids, whose order says nothing of who is connected to whom. -#}
{% macro _contract_shuffled(edges, result, prefix, max_rounds) -%}
    {%- set shuffled = headwater.scratch_relation(prefix ~ 'shuffled') -%}
    {%- set labels = headwater.scratch_relation(prefix ~ 'shuffled_labels') -%}
    {%- do headwater.create_scratch(shuffled, headwater._shuffled_edges_sql(edges)) -%}
    {%- do headwater.contract_components(shuffled, labels, name=prefix ~ 'shuffled', max_rounds=max_rounds, is_shuffled=true) -%}
    {%- do headwater.create_scratch(result, headwater._unshuffled_sql(edges, labels)) -%}
    {%- do headwater.drop_scratch([shuffled, labels]) -%}
{%- endmacro %}

{% macro _shuffled_edges_sql(edges) -%}
    select
        {{ headwater._shuffled('left_key') }} as left_key,
        {{ headwater._shuffled('right_key') }} as right_key
    from {{ edges }}
{%- endmacro %}

{% macro _unshuffled_sql(edges, labels) -%}
    select
        nodes.node,
        min(nodes.node) over (partition by labels.component) as component
    from (
        select node
        from (
            select left_key as node from {{ edges }}
            union all
            select right_key as node from {{ edges }}
        ) as ends
        group by node
    ) as nodes
    inner join {{ labels }} as labels on {{ headwater._shuffled('nodes.node') }} = labels.node
{%- endmacro %}

{#- Expression: another 64-bit number for each: its last digits to the base of the prime 2 ^ 31 - 1 times the golden section of it,
    so that neighbours end up far apart and no two meet. Numbers so large that this could overflow stay as they are. -#}
{% macro _shuffled(key) -%}
    {%- set prime = 2147483647 -%}
    {%- set digits = "mod(mod(" ~ key ~ ", " ~ prime ~ ") + " ~ prime ~ ", " ~ prime ~ ")" -%}
    case
        when {{ key }} >= {{ prime * 4294967296 }} or {{ key }} < -{{ prime * 4294967296 }} then {{ key }}
        else {{ key }} - {{ digits }} + mod({{ digits }} * 1327217885, {{ prime }})
    end
{%- endmacro %}

{#- Statements: scratch table (node, parent) after `jumps` jumps; returns its relation. -#}
{% macro _follow_parents(edges, name, jumps) -%}
    {%- set now = [headwater.scratch_relation(name), headwater.scratch_relation(name ~ '_jumped')] -%}
    {%- do headwater.create_scratch(now[0], headwater._first_parents_sql(edges)) -%}
    {%- for jump in range(jumps) -%}
        {%- do headwater.create_scratch(now[(jump + 1) % 2], headwater._jumped_parents_sql(now[jump % 2])) -%}
    {%- endfor -%}
    {%- do headwater.drop_scratch([now[(jumps + 1) % 2]]) -%}
    {{ return(now[jumps % 2]) }}
{%- endmacro %}

{% macro _first_parents_sql(edges) -%}
    select
        node,
        least(node, min(neighbour)) as parent
    from (
        select left_key as node, right_key as neighbour from {{ edges }}
        union all
        select right_key as node, left_key as neighbour from {{ edges }}
    ) as directed
    group by node
{%- endmacro %}

{% macro _jumped_parents_sql(parents) -%}
    select
        child.node,
        above.parent
    from {{ parents }} as child
    inner join {{ parents }} as above on child.parent = above.node
{%- endmacro %}

{% macro _contracted_edges_sql(edges, parents) -%}
    select
        least(left_parents.parent, right_parents.parent) as left_key,
        greatest(left_parents.parent, right_parents.parent) as right_key
    from {{ edges }} as edges
    inner join {{ parents }} as left_parents on edges.left_key = left_parents.node
    inner join {{ parents }} as right_parents on edges.right_key = right_parents.node
    where left_parents.parent <> right_parents.parent
    group by 1, 2
{%- endmacro %}

{#- Statements: each round's parents through those of the later rounds, the last and smallest first; `later` are the components
    of what the last round left, where anything was left. -#}
{% macro _compose_rounds(rounds, result, later=none) -%}
    {%- set state = namespace(later=later) -%}
    {%- for parents in rounds | reverse -%}
        {%- set target = result if loop.last else headwater.scratch_relation(result.identifier.split('__scratch_')[-1] ~ '_upto_' ~ loop.revindex) -%}
        {%- if state.later is none -%}
            {%- do headwater.create_scratch(target, "select node, parent as component from " ~ parents) -%}
        {%- else -%}
            {%- do headwater.create_scratch(target, headwater._composed_sql(parents, state.later)) -%}
            {%- do headwater.drop_scratch([state.later]) -%}
        {%- endif -%}
        {%- set state.later = target -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _composed_sql(parents, later) -%}
    select
        parents.node,
        coalesce(later.component, parents.parent) as component
    from {{ parents }} as parents
    left join {{ later }} as later on parents.parent = later.node
{%- endmacro %}
