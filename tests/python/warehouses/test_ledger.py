"""What sync knows of a destination, who may push, and what is left when a push is killed: the same on every warehouse."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from sync.config.models import Guards
from sync.config.profiles import Target
from sync.records import Record
from sync.warehouses.base import Warehouse, now_utc
from tests.python.warehouses.bench import KILLED_AT_BATCH, WarehouseBench, received_file
from tests.python.warehouses.conftest import ROOT

PEOPLE = [f"p{number:02}" for number in range(14)]  # five batches of three at most
ELSEWHERE = "elsewhere/1.1/other"


@pytest.fixture
def bench(tmp_path: Path, warehouse: Warehouse, schema: str) -> WarehouseBench:
    return WarehouseBench(tmp_path, warehouse, schema, guards=Guards(max_removals_percent=None))


def lease(bench: WarehouseBench, expires_at: dt.datetime) -> None:
    row = {
        "environment": ["live"], "sync_name": ["memory_people"], "owner": [ELSEWHERE],
        "expires_at": pa.array([expires_at], pa.timestamp("us")),
    }  # fmt: skip
    with bench.warehouse.session(write=True) as session:
        session.append(bench.tables.leases, pa.table(row))


def test_a_second_push_sends_nothing(bench: WarehouseBench) -> None:
    bench.people(*PEOPLE)
    assert (bench.push().status, bench.push().status) == ("success", "success")
    assert sorted(bench.sent()["upsert"]) == PEOPLE
    assert bench.ledger() == {one: {"email": f"{one}@example.com"} for one in PEOPLE}
    acknowledged = bench.rows(f"select sync_key, action from {bench.tables.acknowledgements}")
    assert sorted(acknowledged) == [(one, "add") for one in PEOPLE]


def test_only_what_changed_is_sent_and_removals_carry_what_was_sent(bench: WarehouseBench) -> None:
    bench.people("stays", "changes", "leaves")
    bench.push()
    bench.sent()
    removed: list[Record] = []
    remove = bench.destination.remove
    bench.destination.remove = lambda records: (removed.extend(records), remove(records))[1]  # type: ignore[method-assign, func-returns-value]
    bench.table([{"profile_id": "stays"}, {"profile_id": "changes", "email": "new@example.com"}])
    result = bench.push()
    assert (result.added, result.changed, result.removed) == (0, 1, 1)
    assert bench.sent() == {"upsert": ["changes"], "remove": ["leaves"]}
    assert removed[0].identifiers == {"email": "leaves@example.com"}
    assert removed[0].remote_id == "r-leaves"
    assert bench.ledger() == {
        "stays": {"email": "stays@example.com"}, "changes": {"email": "new@example.com"},
    }  # fmt: skip
    bench.people("stays", "changes", "leaves")
    assert bench.push().added == 1


def test_a_push_that_was_killed_is_healed_by_the_next(
    bench: WarehouseBench, target: Target, schema: str, tmp_path: Path
) -> None:
    """Nobody is lost, and nobody is sent again but those whose batch nobody answered for."""
    bench.people(*PEOPLE)
    bench.warehouse.close()
    command = [sys.executable, "-m", "tests.python.warehouses.bench"]
    killed = subprocess.run(
        [*command, target.name, str(tmp_path), schema],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    received = received_file(tmp_path).read_text().split()
    assert len(received) == 3 * KILLED_AT_BATCH
    assert len(bench.held()) < len(PEOPLE)
    assert bench.push().status == "success"
    healed = bench.sent()["upsert"]
    assert {*received, *healed} == set(PEOPLE)
    assert sorted(bench.ledger()) == PEOPLE
    assert bench.rows(f"select count(*) from {bench.tables.leases}") == [(0,)]
    assert bench.push().status == "success"
    assert bench.sent() == {}


def test_a_lease_of_another_refuses_until_it_expires(bench: WarehouseBench) -> None:
    bench.people("one")
    lease(bench, now_utc() + dt.timedelta(minutes=5))
    refused = bench.push()
    assert refused.status == "refused"
    assert "process 1 on elsewhere" in str(refused.message)
    assert bench.sent() == {}
    with bench.warehouse.session(write=True) as session:
        session.execute(f"delete from {bench.tables.leases} where owner = '{ELSEWHERE}'")
    lease(bench, now_utc() - dt.timedelta(seconds=1))
    assert bench.push().status == "success"
    assert bench.sent() == {"upsert": ["one"]}
    assert bench.rows(f"select count(*) from {bench.tables.leases}") == [(0,)]
