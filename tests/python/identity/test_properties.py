"""What must hold whatever the data: many small random worlds are resolved in each build."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.python.examples import EXAMPLES
from tests.python.identity.lab import PERSON, Lab

pytestmark = pytest.mark.property
# One example is some thirty worlds.
LIMITS = {name: rule["limit"] for name, rule in PERSON["identifiers"].items() if "limit" in rule}

Row = tuple[Any, ...]

_few = st.none() | st.integers(0, 3)

# world, customer_id, user_id, email, phone, device_id, days ago, batch
rows_of_worlds = st.lists(
    st.tuples(
        st.integers(0, 30),
        _few,
        _few,
        _few,
        _few,
        _few,
        st.sampled_from([1, 2, 400]),
        st.integers(0, 2),
    ),
    min_size=60,
    max_size=260,
)


def records(drawn: Iterable[tuple[Any, ...]], *batches: int) -> list[Row]:
    """The raw rows of these batches; a record keeps its id however the batches are cut."""
    rows: list[Row] = []
    for number, (world, *values, days, batch) in enumerate(drawn):
        if batch in batches:
            ids = [None if value is None else f"w{world}v{value}" for value in values]
            seen = f"2026-11-{24 - days:02d}" if days < 24 else "2025-10-01"
            rows.append(("records", f"r{number}", *ids, seen))
    return rows


def partition(groups: dict[str, str]) -> set[frozenset[str]]:
    members = defaultdict(set)
    for record, group in groups.items():
        members[group].add(record)
    return {frozenset(group) for group in members.values()}


def connected(edges: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Component of each left end, by union-find."""
    parent: dict[Any, Any] = {}

    def find(node: Any) -> Any:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    left = set()
    for record, value in edges:
        left.add(record)
        parent[find(("record", record))] = find(("value", value))
    return {record: find(("record", record)) for record in left}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("properties") / "lab", variables={"cdp_as_of": "2026-11-24"})
    lab.build(command="seed")
    return lab


relaxed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    # One example is many worlds: shrinking would cost a build a step.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@relaxed
@given(drawn=rows_of_worlds)
def test_clusters_are_what_the_kept_edges_connect_and_no_limit_is_broken(
    lab: Lab, drawn: list[tuple[Any, ...]]
) -> None:
    lab.forget()
    lab.load(records(drawn, 0, 1, 2))
    lab.build(command="run")

    links = lab.query(
        "select record_node, value_node, identifier_type, component_node, cluster_node, "
        "dropped_reason from analytics.identity_links"
    )
    kept = connected((record, value) for record, value, *_, reason in links if reason is None)
    for record in {link[0] for link in links}:
        kept.setdefault(record, ("record", record))
    clusters = {link[0]: link[4] for link in links}
    assert partition(kept) == partition(clusters)

    every = connected((record, value) for record, value, *_ in links)
    assert partition(every) == partition({link[0]: link[3] for link in links})

    values = defaultdict(set)
    possible = defaultdict(set)
    for _, value, kind, component, cluster, reason in links:
        possible[component, kind].add(value)
        if reason is None:
            values[cluster, kind].add(value)
    assert all(len(found) <= LIMITS.get(kind, 99) for (_, kind), found in values.items())

    broken = {
        component
        for (component, kind), found in possible.items()
        if len(found) > LIMITS.get(kind, 99)
    }
    assert all(link[3] in broken for link in links if link[5] is not None)


@pytest.mark.long
@relaxed
@given(drawn=rows_of_worlds)
def test_batches_in_any_order_give_what_a_full_refresh_gives(
    lab: Lab, drawn: list[tuple[Any, ...]]
) -> None:
    lab.forget()
    # The last batch takes the first one's records away again, and returns them.
    for batches in ((0,), (0, 1), (1, 2), (0, 1, 2)):
        lab.load(records(drawn, *batches))
        lab.build(command="run")
    stepwise = lab.groups()
    # Numbers of components and clusters mean nothing; everything else is the same.
    facts = (
        "select * exclude (component_node, cluster_node) from analytics.identity_links order by all"
    )
    groupings = [
        f"select record_node, {column} from analytics.identity_links"
        for column in ("component_node", "cluster_node")
    ]
    links, grouped = lab.query(facts), [partition(dict(lab.query(one))) for one in groupings]

    lab.build("--full-refresh", command="run")
    assert lab.groups() == stepwise, "a full refresh keeps every id"
    assert lab.query(facts) == links
    assert [partition(dict(lab.query(one))) for one in groupings] == grouped

    lab.forget()
    lab.load(records(drawn, 2))
    lab.build(command="run")
    lab.load(records(drawn, 0, 1, 2))
    lab.build(command="run")
    assert partition(lab.groups()) == partition(stepwise)


@pytest.mark.long  # test_life_of_ids has the same step by step
@relaxed
@given(drawn=rows_of_worlds)
def test_ids_are_stable_and_every_id_that_was_resolves(
    lab: Lab, drawn: list[tuple[Any, ...]]
) -> None:
    lab.forget()
    seen: set[str] = set()
    for batches in ((0, 1), (1, 2), (0, 2)):
        lab.load(records(drawn, *batches))
        lab.build(command="run")
        groups = lab.groups()
        seen |= set(groups.values())
        aliases = dict(lab.query("select old_id, live_id from analytics.identity_aliases"))
        assert set(aliases) == seen
        live = set(groups.values())
        assert {alias for alias in aliases.values() if alias is not None} == live
        assert all(aliases[one] == one for one in live)

    before = lab.groups()
    history = lab.query("select count(*) from analytics.identity_history")
    lab.build(command="run")
    assert lab.groups() == before
    assert lab.query("select count(*) from analytics.identity_history") == history


# An e-mail that four share joins them here: the decision is what parts them.
MERGING = {
    **PERSON,
    "identifiers": {"user_id": {"tier": 1, "exclusive": True}, "email": {"tier": 2}},
    "records": [{**PERSON["records"][0], "identifiers": {"user_id": "user_id", "email": "email"}}],
}


@relaxed
@given(
    worlds=st.lists(
        st.tuples(st.integers(2, 4), st.integers(0, 3), st.booleans()), min_size=12, max_size=24
    )
)
@pytest.mark.long
def test_what_was_merged_and_is_taken_apart_has_its_ids_and_values_again(
    lab: Lab, worlds: list[tuple[int, int, bool]]
) -> None:
    """Each world: some people with ids of their own, whom a wrong e-mail makes one, and then a decision parts them."""

    def life(merged: bool, later: bool) -> list[Row]:
        rows: list[Row] = []
        for world, (count, orders, has_ticket) in enumerate(worlds):
            for one in range(count):
                email = f"w{world}e0" if merged else f"w{world}e{one}"
                user = f"w{world}u{one}"
                rows.append(("records", f"w{world}p{one}", None, user, email, None, None,
                             f"2026-01-{one + 1:02d}"))  # fmt: skip
                if later:
                    rows += [
                        ("records", f"w{world}p{one}o{n}", None, user, None, None, None,
                         f"2026-03-{n + 1:02d}")
                        for n in range(orders * one)
                    ]  # fmt: skip
            if has_ticket:
                rows.append(("records", f"w{world}t", None, None, f"w{world}e0", None, None,
                             "2026-02-01"))  # fmt: skip
        return rows

    lab.configure({"person": MERGING}, {"cdp_as_of": "2026-11-24"})
    path = lab.directory / "seeds/identity_overrides.csv"
    header = path.read_text().splitlines()[0]
    decisions = [
        f"person,do_not_link,records:w{world}p{left},records:w{world}p{right},me,two people"
        for world, (count, *_) in enumerate(worlds)
        for left in range(count)
        for right in range(left + 1, count)
    ]
    try:
        lab.forget()
        lab.load(life(False, False))
        lab.build(command="run")
        before = lab.groups()
        lab.load(life(True, True))
        lab.build(command="run")
        merged = lab.groups()
        assert len(set(merged.values())) == len(worlds)

        path.write_text("\n".join([header, *decisions]) + "\n")
        lab.build("--select", "identity_overrides", command="seed")
        lab.build(command="run")
        after = lab.groups()
        assert {record: after[record] for record in before} == before
        # What came since goes with the person, and the value with the one who had it first.
        assert all(
            after[record] == before[record.split("o")[0]] for record in after if "o" in record
        )
        owned = dict(
            lab.query(
                "select identifier_value, entity_id from analytics.identity_entity_identifiers "
                "where identifier_type = 'email'"
            )
        )
        assert owned == {f"w{world}e0": before[f"w{world}p0"] for world in range(len(worlds))}
        aliases = dict(lab.query("select old_id, live_id from analytics.identity_aliases"))
        assert aliases == {one: one for one in after.values()}

        links = lab.query("select record_node, value_node, dropped_reason "
                          "from analytics.identity_links order by all")  # fmt: skip
        lab.build("--full-refresh", command="run")
        assert lab.groups() == after
        assert links == lab.query("select record_node, value_node, dropped_reason "
                                  "from analytics.identity_links order by all")  # fmt: skip

        path.write_text(header + "\n")
        lab.build("--select", "identity_overrides", command="seed")
        lab.build(command="run")
        assert lab.groups() == merged
    finally:
        path.write_text(header + "\n")
        lab.configure({"person": PERSON}, {"cdp_as_of": "2026-11-24"})
        lab.build("--select", "identity_overrides", command="seed")
