"""The whole loop gives the same tables on every warehouse, row for row: one expected result, DuckDB's.

Four builds: the first; four days later, with what was pushed and pulled; a day on which new rows came; all of it anew.
Profiles are numbered by the run that minted them, and runs are numbered alike here, so ids need no translation, and holdouts,
samples and splits, which are drawn by id, hold the same people everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.python.warehouses.conftest import STAND_INS, target_of
from tests.python.warehouses.loop import Loop
from tests.python.warehouses.raw import raw_tables

Tables = dict[str, list[dict[str, Any]]]

# sync numbers its runs and looks at its own clock.
OF_THE_RUN = {"run_id", "send_id", "sent_at", "pushed_at", "pulled_at"}
# Hashes of money or of an instant as text, which each warehouse writes its own way; what they hash is compared itself.
OF_THE_WAREHOUSE = {"row_hash", "membership_id"}
# An average's half a cent is rounded after a division, which is a float on one warehouse and exact on another.
HALVES = {"average_order_eur"}

BUILD_ONLY = ("--exclude-resource-type=unit_test", "--exclude-resource-type=test")


def whole_loop(name: str, folder: Path) -> Iterator[tuple[str, Tables]]:
    """Every table after each of the four builds."""
    loop = Loop(target_of(name, folder), folder / "project")
    loop.remove()
    first, late = raw_tables()
    loop.load(first)
    loop.dbt("build", *BUILD_ONLY, run="first day")
    yield "first day", loop.tables()
    loop.sync("push", "--threads", "1")  # an engagement is credited to the last send before it
    loop.sync("pull")
    loop.now("2026-11-27 12:00:00")
    loop.dbt("build", *BUILD_ONLY, run="results")
    yield "results", loop.tables()
    loop.load(late)
    loop.now("2026-11-28 12:00:00")
    loop.dbt("build", *BUILD_ONLY, run="late rows")
    yield "late rows", loop.tables()
    loop.dbt("build", "--full-refresh", *BUILD_ONLY, run="full refresh")
    yield "full refresh", loop.tables()
    loop.remove()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tables]:
    return dict(whole_loop("duckdb", tmp_path_factory.mktemp("duckdb")))


@pytest.mark.parametrize("name", STAND_INS)
def test_every_table_is_the_same_row_for_row(
    name: str, expected: dict[str, Tables], tmp_path: Path
) -> None:
    for day, found in whole_loop(name, tmp_path):
        assert differences(expected[day], found) == [], f"after the build '{day}'"


def test_the_days_are_worth_comparing(expected: dict[str, Tables]) -> None:
    """Late rows merge profiles, results come back, somebody is held out, full refresh keeps the ids."""
    events = Counter(row["event"] for row in expected["late rows"]["identity_history"])
    assert events["create"] > 20
    assert expected["first day"]["campaign_events"] == []
    assert expected["results"]["campaign_events"]
    assert expected["results"]["audience_holdouts"]
    assert len(expected["late rows"]["profiles"]) > len(expected["results"]["profiles"])
    ids = [
        {row["profile_id"] for row in expected[day]["profiles"]}
        for day in ("late rows", "full refresh")
    ]
    assert ids[0] == ids[1]


def differences(expected: Tables, found: Tables) -> list[str]:
    """What differs, a line per table: names of columns and numbers of rows, and two rows to look at."""
    lines = [f"{name}: only on one" for name in sorted(expected.keys() ^ found.keys())]
    for name in sorted(expected.keys() & found.keys()):
        want, got = (Counter(map(comparable, tables[name])) for tables in (expected, found))
        if want != got:
            lacking, added = list((want - got).elements()), list((got - want).elements())
            lines.append(f"{name}: {len(lacking)} rows differ\n  {lacking[:1]}\n  {added[:1]}")
    return lines


def comparable(row: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """A row as something to count, without what belongs to its run or its warehouse."""
    left_out = OF_THE_RUN | OF_THE_WAREHOUSE | HALVES
    return tuple((column, row[column]) for column in sorted(row.keys() - left_out))
