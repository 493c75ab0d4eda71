"""The planner's two laws: applying a plan to the ledger gives the activation table, and planning again gives nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pytest
from held_open import HeldOpen, holding_open
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workbench import Workbench

from sync.config.models import Guards
from sync.records import Mode
from tests.python.examples import EXAMPLES
from tests.python.rows import insert

pytestmark = pytest.mark.property
ROW = st.tuples(
    st.sampled_from(["h1", "h2", None]),
    st.sampled_from([None, None, None, "no_consent", "holdout"]),
    st.sampled_from(["x@example.com", "y@example.com", None]),
)
TABLE = st.dictionaries(
    st.sampled_from([f"k{n}" for n in range(8)] + ["ключ", "a|b", "it's", "~0"]), ROW
)


@pytest.fixture(scope="module")
def held():
    with holding_open() as files:
        yield files


@pytest.fixture(scope="module")
def folder(held):
    with tempfile.TemporaryDirectory() as name:
        yield Path(name), held


def fresh(folder: tuple[Path, HeldOpen], mode: Mode, **definition) -> Workbench:
    """A workbench of its own for each example; the one before is let go."""
    within, held = folder
    held.close()
    guards = Guards(min_rows=0, max_removals_percent=None)
    path = Path(tempfile.mkdtemp(dir=within))
    return Workbench(path, held.hold, mode=mode, guards=guards, **definition)


def fill(bench: Workbench, table) -> None:
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "create or replace table sync_memory (profile_id varchar, email varchar, "
            "withheld_reason varchar, row_hash varchar)"
        )
        rows = [[key, email, reason, row_hash] for key, (row_hash, reason, email) in table.items()]
        insert(connection, "sync_memory", rows)


def sendable(table) -> dict:
    return {k: h for k, (h, reason, email) in table.items() if reason is None and email is not None}


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.REPLACE])
@settings(
    max_examples=3 * EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tables=st.lists(TABLE, min_size=1, max_size=4))
def test_applying_the_plan_gives_the_table_and_planning_twice_gives_nothing(folder, mode, tables):
    bench = fresh(folder, mode)
    for table in tables:
        fill(bench, table)
        counts = bench.plan().counts
        assert bench.plan(spool=True).counts == counts  # by what differs alone
        result = bench.push()
        assert result.status == "success", result.error
        assert (result.added, result.changed, result.removed) == (
            counts.add, counts.change, counts.remove,
        )  # fmt: skip
        wanted = sendable(table)
        held = dict(bench.rows("select sync_key, row_hash from analytics_sync.ledger"))
        assert held == wanted
        assert set(bench.destination.members) == set(wanted)
        again = bench.plan().counts
        assert (again.to_send, again.unchanged) == (0, len(wanted))
        reasons = sum(again.withheld.values())
        assert again.unchanged + reasons == len(table)


@settings(
    max_examples=3 * EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tables=st.lists(TABLE, min_size=1, max_size=4))
def test_upsert_holds_the_last_sendable_content_of_every_key_ever_seen(folder, tables):
    bench = fresh(folder, Mode.UPSERT)
    wanted: dict = {}
    for table in tables:
        fill(bench, table)
        assert bench.plan(spool=True).counts == bench.plan().counts
        bench.push()
        wanted |= sendable(table)
        assert dict(bench.rows("select sync_key, row_hash from analytics_sync.ledger")) == wanted
        assert bench.plan().counts.to_send == 0


@settings(
    max_examples=3 * EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tables=st.lists(TABLE, min_size=1, max_size=4))
def test_each_event_key_is_sent_once_for_ever(folder, tables):
    bench = fresh(folder, Mode.EVENT)
    for table in tables:
        fill(bench, table)
        bench.push()
    sent = [event.key for event in bench.destination.events]
    assert len(sent) == len(set(sent))
    assert set(sent) == {key for table in tables for key in sendable(table)}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.sets(
        st.tuples(st.text("ab|~", max_size=3), st.text("ab|~", max_size=3)), min_size=1, max_size=20
    )
)
def test_no_two_composite_keys_become_one(folder, keys):
    bench = fresh(folder, Mode.MIRROR, key=("one", "two"), identifiers=())
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("create table sync_memory (one varchar, two varchar, row_hash varchar)")
        insert(connection, "sync_memory", keys, values="c0, c1, 'h'")
    assert bench.plan().counts.add == len(keys)
