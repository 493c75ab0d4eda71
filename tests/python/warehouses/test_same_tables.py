"""The whole loop gives the same tables on every warehouse, row for row: one expected result, DuckDB's.

Three builds: the first, with every data test, and on Snowflake every unit test where HEADWATER_TEST_LONG is set; five days later, with what
was pushed and pulled and with rows that came late, and what that changed is pushed; what keeps rows from build to build anew. Profiles
are numbered by the run that minted them, and runs are numbered alike here, so ids need no translation, and holdouts, samples and
splits, which are drawn by id, hold the same people everywhere.
"""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.python.warehouses.conftest import PORTS, STAND_INS, answers, target_of
from tests.python.warehouses.loop import Loop
from tests.python.warehouses.raw import raw_tables

Tables = dict[str, list[dict[str, Any]]]

# sync numbers its runs and looks at its own clock.
OF_THE_RUN = {
    "run_id", "send_id", "sent_at", "pushed_at", "pulled_at", "loaded_at", "acknowledged_at", "started_at", "finished_at",
    "updated_at", "cursor_at", "seconds", "owner", "expires_at", "counted_at", "failed_at",
}  # fmt: skip
COUNTED = ("name", "status", "added", "changed", "removed", "failed")

WITHOUT_TESTS = ("--exclude-resource-type=unit_test", "--exclude-resource-type=test")
# DuckDB has its tests in `make test`. Unit tests say the same of any warehouse, and are asked of one more where there is time.
LEFT_OUT = {"duckdb": WITHOUT_TESTS, "bigquery_local": WITHOUT_TESTS[:1]}
if os.environ.get("HEADWATER_TEST_LONG") != "1":
    LEFT_OUT["snowflake_local"] = WITHOUT_TESTS[:1]
# To any other table a full refresh is a build like the ones before.
KEEPING_ROWS = (
    "--select",
    "path:models/engine/identity",
    "config.materialized:incremental",
    "profiles",
)


def whole_loop(name: str, folder: Path) -> Iterator[tuple[str, Tables]]:
    """Every table after each of the three builds, and what sync keeps after each push."""
    loop = Loop(target_of(name, folder), folder / "project")
    loop.remove()
    first, late = raw_tables()
    loop.load(first)
    loop.dbt("build", *LEFT_OUT.get(name, ()), run="first day")
    yield "first day", loop.tables()
    yield "first push", pushed(loop)
    loop.sync("pull")
    loop.load(late)
    loop.now("2026-11-28 12:00:00")
    loop.dbt("build", *WITHOUT_TESTS, run="late rows")
    yield "late rows", loop.tables()
    yield "second push", pushed(loop)
    yield "third push", pushed(loop)
    loop.dbt("build", "--full-refresh", *KEEPING_ROWS, *WITHOUT_TESTS, run="full refresh")
    yield "full refresh", loop.tables()
    loop.remove()


def pushed(loop: Loop) -> Tables:
    """What a push says of each sync, and what the ledger then holds."""
    said = [
        {column: line[column] for column in COUNTED}
        | {"withheld": tuple(sorted(line["withheld"].items()))}
        for line in loop.push()
    ]
    return {"push": said, **loop.ledger()}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tables]:
    """DuckDB's tables; where several processes test, one of them makes them. Skips where there is nothing to compare them with."""
    if not any(answers(name) for name in PORTS):
        pytest.skip("no stand-in answers: make stand-ins")
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder
    kept = folder / "expected_tables.pickle"
    with FileLock(folder / "expected_tables.lock"):
        if not kept.exists():
            found = dict(whole_loop("duckdb", tmp_path_factory.mktemp("duckdb")))
            kept.write_bytes(pickle.dumps(found))
    tables: dict[str, Tables] = pickle.loads(kept.read_bytes())
    return tables


@pytest.mark.parametrize("name", STAND_INS)  # a real account may hold schemas of these names
def test_every_table_is_the_same_row_for_row(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = dict(whole_loop(name, tmp_path))
    # Not before: one of two processes would wait for the other's.
    expected: dict[str, Tables] = request.getfixturevalue("expected")
    assert expected.keys() == found.keys()
    for day, tables in found.items():
        assert differences(expected[day], tables) == [], f"after '{day}'"


def test_the_days_are_worth_comparing(expected: dict[str, Tables]) -> None:
    """Late rows merge profiles, results come back, somebody is held out, full refresh keeps the ids."""
    events = Counter(row["event"] for row in expected["late rows"]["identity_history"])
    assert events["create"] > 20
    assert expected["first day"]["campaign_events"] == []
    assert expected["late rows"]["campaign_events"]
    assert expected["late rows"]["audience_holdouts"]
    assert len(expected["late rows"]["profiles"]) > len(expected["first day"]["profiles"])
    ids = [
        {row["profile_id"] for row in expected[day]["profiles"]}
        for day in ("late rows", "full refresh")
    ]
    assert ids[0] == ids[1]


def test_the_pushes_are_worth_comparing(expected: dict[str, Tables]) -> None:
    """The second adds and removes; the third has nothing to do, and the ledger is what it was."""
    sums = {
        day: {what: sum(row[what] for row in expected[day]["push"]) for what in COUNTED[2:6]}
        for day in ("first push", "second push", "third push")
    }
    assert sums["first push"]["added"] > 20
    assert all(sums["second push"][what] for what in ("added", "removed"))
    assert sums["third push"] == {"added": 0, "changed": 0, "removed": 0, "failed": 0}
    for kept in ("ledger", "acknowledgements"):
        rows = [
            Counter(map(comparable, expected[day][kept])) for day in ("second push", "third push")
        ]
        assert rows[0] == rows[1]
    assert expected["second push"]["leases"] == []
    assert any(row["unread_count"] for row in expected["first push"]["unread_values"])


def differences(expected: Tables, found: Tables) -> list[str]:
    """What differs, a line per table: how many rows are on one side only, and one of each side to look at."""
    lines = [f"{name}: only on one" for name in sorted(expected.keys() ^ found.keys())]
    for name in sorted(expected.keys() & found.keys()):
        want, got = (Counter(map(comparable, tables[name])) for tables in (expected, found))
        if want != got:
            lacking, added = list((want - got).elements()), list((got - want).elements())
            lines.append(f"{name}: {len(lacking)} rows differ\n  {lacking[:1]}\n  {added[:1]}")
    return lines


def comparable(row: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """A row as something to count, without what belongs to its run."""
    return tuple((column, row[column]) for column in sorted(row.keys() - OF_THE_RUN))
