"""The components materialisation: right on every shape of graph, bounded in rounds, and it leaves nothing behind."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

import duckdb
import pytest

from tests.python.commands import BuildError
from tests.python.identity.lab import Lab

Edges = Sequence[tuple[int, int]]

MODEL = "{{ config(materialized='components'%s) }}\nselect left_key, right_key from raw.edges"
SIZE = 3000


def scattered(key: int) -> int:
    """The key somewhere in 63 bits, as keys made by hashing are."""
    return random.Random(key).getrandbits(63)


def tail() -> Edges:
    """Many small components and a few large ones."""
    chance, edges, node = random.Random(1), [], 0
    while len(edges) < SIZE:
        size = min(int(chance.paretovariate(1)), 400)
        edges += [(node + chance.randrange(i + 1), node + i + 1) for i in range(size)]
        node += size + 1
    return [(scattered(left), scattered(right)) for left, right in edges]


def chain() -> Edges:
    return [(number, number + 1) for number in range(SIZE)]


def at_the_threshold() -> Edges:
    """A random graph with half as many edges as nodes, where one component takes over."""
    chance = random.Random(2)
    return [(chance.randrange(2 * SIZE), chance.randrange(2 * SIZE)) for _ in range(SIZE)]


SHAPES: dict[str, Edges] = {
    "many small components and a heavy tail": tail(),
    "a star": [(0, number) for number in range(1, SIZE)],
    "a chain of hashed ids": [(scattered(a), scattered(b)) for a, b in chain()],
    "a chain of sequential ids": chain(),
    "a chain of sequential ids, backwards": [(b, a) for a, b in chain()],
    "a chain of sequential ids around zero": [(a - 1500, b - 1500) for a, b in chain()],
    "a chain of sequential ids at the end of the numbers": [
        (2**63 - 1 - a, 2**63 - 1 - b) for a, b in chain()
    ],
    "chains of sequential ids, each beginning where another ends": [
        (10**9 * number + a, 10**9 * number + b) for number in range(-3, 4) for a, b in chain()[:900]
    ],
    "a random graph at the threshold": at_the_threshold(),
    "the largest and smallest keys, loops and doubles": [
        (2**63 - 1, -(2**63)), (-(2**63), 2**63 - 1), (5, 5), (5, 6), (5, 6), (7, 7),
    ],
    "nothing": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("components") / "lab")
    for name, settings in {"linked": "", "bounded": ", meta={'max_rounds': 1}"}.items():
        (lab.directory / f"models/engine/staging/{name}.sql").write_text(MODEL % settings)
    yield lab
    lab.release()


def load(lab: Lab, edges: Edges) -> None:
    lab.release()
    with duckdb.connect(str(lab.database)) as connection:
        connection.execute("create or replace table raw.edges (left_key bigint, right_key bigint)")
        lefts, rights = [left for left, _ in edges], [right for _, right in edges]
        connection.execute("insert into raw.edges select unnest(?), unnest(?)", [lefts, rights])


def smallest_reachable(edges: Edges) -> dict[int, int]:
    """The smallest node of each node's component, by union-find."""
    parent: dict[int, int] = {}

    def find(node: int) -> int:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in edges:
        low, high = sorted((find(left), find(right)))
        parent[high] = low
    return {node: find(node) for node in parent}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_node_is_labelled_with_the_smallest_that_it_is_connected_to(lab: Lab, shape: str) -> None:
    edges = SHAPES[shape]
    load(lab, edges)
    lab.build("--select", "linked", command="run")
    found = lab.query("select node, component from analytics.linked")
    # A node whose only edges are loops is in no edge between two nodes.
    linked = {node for edge in edges if edge[0] != edge[1] for node in edge}
    expected = {node: low for node, low in smallest_reachable(edges).items() if node in linked}
    assert {node: low for node, low in found if node in linked} == expected
    assert len(found) == len({node for node, _ in found})


def test_more_rounds_than_are_allowed_end_in_an_error_that_says_what_to_do(lab: Lab) -> None:
    load(lab, chain())
    with pytest.raises(BuildError) as error:
        lab.build("--select", "bounded", command="run")
    told = " ".join(str(error.value).split())
    assert re.search(r"bounded: components did not converge in 1 rounds; [0-9]+ edges", told)
    assert "Raise config.meta.max_rounds" in told
    assert scratch_tables(lab) == []


def test_scratch_tables_of_a_run_that_broke_off_go_when_the_next_begins(on_disk: Lab) -> None:
    load(on_disk, [(1, 2)])
    on_disk.execute("create schema if not exists analytics")
    on_disk.execute("create table analytics.linked__scratch_edges_3 as select 1 as left_key")
    on_disk.build("--select", "linked", command="run")
    assert scratch_tables(on_disk) == []
    assert on_disk.query("select * from analytics.linked order by 1") == [(1, 1), (2, 1)]


def test_scratch_tables_go_when_a_statement_fails(on_disk: Lab) -> None:
    load(on_disk, chain())
    path = on_disk.directory / "macros/identity/contract_components.sql"
    sound = path.read_text()
    path.write_text(sound.replace("where left_parents.parent <> right", "where nothing <> right"))
    on_disk.changed()
    try:
        with pytest.raises(BuildError, match="nothing"):
            on_disk.build("--select", "linked", command="run")
        assert scratch_tables(on_disk) == []
    finally:
        path.write_text(sound)
        on_disk.changed()


def test_scratch_tables_go_when_the_rounds_run_out(on_disk: Lab) -> None:
    load(on_disk, chain())
    with pytest.raises(BuildError, match="did not converge"):
        on_disk.build("--select", "bounded", command="run")
    assert scratch_tables(on_disk) == []


@pytest.fixture
def on_disk(lab: Lab) -> Iterator[Lab]:
    """The same with scratch tables as other warehouses have them: real ones, which outlive a statement and a connection."""
    path = lab.directory / "macros/cross_db/scratch_table.sql"
    sound = path.read_text()
    path.write_text(
        sound.replace("macro duckdb__", "macro of_no_adapter__").replace(
            """" ~ relation.information_schema('TABLES') ~ \"""", "information_schema.tables"
        )
    )
    lab.changed()
    yield lab
    path.write_text(sound)
    lab.changed()


def scratch_tables(lab: Lab) -> list[str]:
    lab.release()
    found = lab.query("select table_name from duckdb_tables() where table_name like '%scratch%'")
    return [name for (name,) in found]
