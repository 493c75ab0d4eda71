"""Whatever is raised ends the run's row and gives the lease back; a run that could not is said to have died."""

from __future__ import annotations

import datetime as dt
import errno
import multiprocessing
import socket
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from workbench import TABLES

from sync.engine.context import Watcher
from sync.engine.plan.spool import Spool
from sync.engine.run import exit_code, push_all
from sync.records import Mode, SyncObject
from sync.state.history import RunHistory
from sync.state.leases import owner_name
from sync.warehouses.base import now_utc

pytestmark = pytest.mark.own_file

RAISED = [OverflowError, MemoryError, KeyboardInterrupt, SystemExit, RuntimeError, GeneratorExit]


def summary(bench):
    history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
    with bench.warehouse.session() as session:
        return history.summary(session, bench.definition.name, now_utc())


def ended(bench) -> list[tuple[str, bool]]:
    assert bench.rows("select * from analytics_sync.leases") == []
    return bench.rows("select status, finished_at is not null from analytics_sync.runs")


def pushed(bench):
    try:
        return bench.push()
    except BaseException as error:
        return error


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("where", ["check", "batch", "watcher"])
def test_whatever_is_raised_ends_the_run_and_its_lease(bench, raised, where):
    bench.people("a", "b", "c", "d")

    def fault(number, _):
        if number == 2:
            raise raised("quoting a@example.com")

    class Failing(Watcher):
        def planned(self, name, rows):
            raise raised("quoting a@example.com")

    if where == "check":
        bench.destination.credentials_error = raised("quoting a@example.com")
    elif where == "batch":
        bench.destination.fault = fault
    else:
        bench.watcher = Failing()
    result = pushed(bench)
    assert ended(bench) == [("failed", True)]
    message = bench.rows("select message from analytics_sync.runs")[0][0]
    assert raised.__name__ in message
    assert "example.com" not in message
    if isinstance(result, Exception | KeyboardInterrupt | SystemExit | GeneratorExit):
        assert isinstance(result, raised)
    else:
        assert (result.status, exit_code([result])) == ("failed", 2)
    bench.destination.fault = bench.destination.credentials_error = None
    bench.watcher, bench.stop = Watcher(), threading.Event()
    assert bench.push().status == "success"
    assert bench.held() == {"a", "b", "c", "d"}


def test_what_other_batches_had_taken_stays_taken(workbench):
    bench = workbench(mode=Mode.EVENT)
    bench.people("a", "b", "c", "d")
    bench.declare(batch_rows=1)

    def fault(_, records):
        if records[0].key == "d":
            time.sleep(0.2)
            raise OverflowError

    bench.destination.fault = fault
    assert bench.push().status == "failed"
    bench.destination.fault = None
    assert bench.push().status == "success"
    assert sorted(event.key for event in bench.destination.events) == ["a", "b", "c", "d"]


def started(bench, owner, expires_at, *, run=True):
    with duckdb.connect(str(bench.path)) as connection:
        if run:
            connection.execute(
                "insert into analytics_sync.runs (environment, run_id, sync_name, command, status, "
                "started_at) values ('live', 'r2', 'memory_people', 'push', 'running', ?)",
                [now_utc()],
            )
        connection.execute(
            "insert into analytics_sync.leases values ('live', 'memory_people', ?, ?)",
            [owner, expires_at],
        )


SOON = dt.timedelta(minutes=5)


@pytest.mark.parametrize(
    ("owner", "ahead", "run", "status"),
    [
        (f"{socket.gethostname()}/4999999.1/r2", SOON, True, "died"),
        (f"{socket.gethostname()}/4999999.1/r2", SOON, False, "died"),  # while it planned
        ("elsewhere/1.1/r2", -SOON, True, "died"),
        ("elsewhere/1.1/r2", SOON, True, "running"),
        (owner_name("r2"), SOON, True, "running"),
        (owner_name("r2"), SOON, False, "success"),
    ],
    ids=["killed", "killed-planning", "elsewhere-late", "elsewhere", "here", "here-planning"],
)
def test_a_run_without_a_living_lease_has_died(bench, owner, ahead, run, status):
    bench.people("a")
    assert bench.push().status == "success"
    started(bench, owner, now_utc() + ahead, run=run)
    found = summary(bench)
    assert found["status"] == status
    assert (found["message"] is not None) == (status == "died")


def test_a_run_whose_lease_is_gone_has_died_and_the_next_heals_it(bench):
    bench.people("a")
    started(bench, "elsewhere/1.1/r2", now_utc())
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("delete from analytics_sync.leases")
    assert summary(bench)["status"] == "died"
    assert bench.push().status == "success"
    assert summary(bench)["status"] == "success"


def _hold(path, held, free):
    with duckdb.connect(path):
        held.set()
        free.wait(60)


@pytest.fixture
def holder(bench):
    """Another process that holds the file."""
    context = multiprocessing.get_context("spawn")
    held, free = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(bench.path), held, free))

    def start():
        process.start()
        assert held.wait(60)
        return free

    yield start
    free.set()
    process.join()


def test_a_signal_is_heard_while_the_file_is_waited_for(bench, holder):
    bench.people("a")
    holder()
    threading.Timer(2.0, bench.stop.set).start()  # it has begun by then, on a slow machine too
    began = time.monotonic()
    result = push_all(bench.context(), [bench.definition])[0]
    assert time.monotonic() - began < 12
    assert result.interrupted
    assert exit_code([result]) == 2
    assert "held by" in result.message
    assert bench.destination.calls == []


def test_a_signal_leaves_time_to_mark_what_was_taken(bench, holder):
    """The file is free again a second after the signal: what the destination took is marked, not sent again."""
    bench.people("a")

    def take(*_):
        free = holder()
        bench.stop.set()
        threading.Timer(1.0, free.set).start()

    bench.destination.fault_after = take
    result = bench.push()
    assert result.status == "success"
    assert bench.held() == {"a"}


def test_many_syncs_with_nothing_to_do_open_the_file_a_few_times(bench, monkeypatch):
    from sync.warehouses.duckdb import DuckDBWarehouse

    bench.people("a", "b")
    many = [
        replace(bench.definition, name=f"sync_{number}", object=SyncObject("list", str(number)))
        for number in range(12)
    ]
    push_all(bench.context(), many)
    opened = []
    connect = DuckDBWarehouse._connect
    monkeypatch.setattr(
        DuckDBWarehouse, "_connect", lambda self, write: opened.append(1) or connect(self, write)
    )
    with bench.warehouse.keep_open():
        results = push_all(bench.context(), many)
    assert {one.status for one in results} == {"success"}
    assert len(opened) <= 3


@pytest.mark.own_file
def test_what_was_written_is_folded_into_the_file_by_the_connection_that_wrote_it(
    bench, monkeypatch
):
    from pathlib import Path

    import duckdb

    bench.people("a")
    connect, opened = duckdb.connect, []
    monkeypatch.setattr(
        duckdb, "connect", lambda *args, **settings: opened.append(1) or connect(*args, **settings)
    )
    log = Path(f"{bench.warehouse.path}.wal")
    with bench.warehouse.keep_open():
        with bench.warehouse.session(write=True) as session:
            session.execute("create table kept as select 1 as one")
        assert log.exists()
    assert (len(opened), log.exists()) == (1, False)


@pytest.mark.own_file
def test_what_is_read_while_alone_is_read_anew_once_another_could_have_written(bench):
    import duckdb

    reads = []

    def asked() -> int:
        with bench.warehouse.session(write=True) as session:
            return session.while_alone("asked", lambda: reads.append(1) or len(reads))

    with bench.warehouse.keep_open():
        assert (asked(), asked()) == (1, 1)
        with bench.warehouse.let_go():
            duckdb.connect(str(bench.path)).close()
        assert asked() == 2
    assert asked() == 3


@pytest.mark.own_file
def test_many_syncs_of_one_opening_know_each_its_own_past(bench):
    """One has a row set aside, one a run that never ended, one failed last: what is read of all at once, each is told of itself."""
    bench.people("a", "b")
    many = [
        replace(bench.definition, name=f"sync_{number}", object=SyncObject("list", str(number)))
        for number in range(4)
    ]
    push_all(bench.context(), many)
    with bench.warehouse.session(write=True) as session:
        runs, ended = bench.tables.runs, "sync_name = 'sync_1' and command = 'push'"
        session.execute(f"update {runs} set status = 'failed' where sync_name = 'sync_0'")
        session.execute(
            f"insert into {runs} (environment, run_id, sync_name, command, mode, status, started_at) "
            f"select environment, 'died', sync_name, command, mode, 'running', started_at from {runs} where {ended}"
        )
    results = push_all(bench.context(), many)
    assert [one.previous_status for one in results] == ["failed", "success", "success", "success"]
    assert {one.status for one in results} == {"success"}
    with bench.warehouse.session() as session:
        (died,) = session.rows(f"select status from {runs} where run_id = 'died'")
    assert died["status"] == "interrupted"


def test_the_file_is_free_while_something_is_sent(bench):
    """dbt may build beside a push, however many syncs there are."""
    import duckdb

    bench.people("a", "b")
    bench.destination.fault = lambda *_: duckdb.connect(str(bench.path)).close()
    assert bench.push().status == "success"


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["new_stream", "write_batch", "a bug"])
def test_a_plan_that_cannot_be_kept_lets_the_warehouse_go(bench, monkeypatch, where):
    """Rows that were read by half held DuckDB's file, and the process that opened it next, its own, waited for ever."""
    bench.table(
        "select 'p' || i as profile_id, 'e' as email, 1 as score, null::varchar as withheld_reason, "
        "md5(i::varchar) as row_hash from range(200000) as numbers(i)"
    )
    if where == "new_stream":
        monkeypatch.setattr(pa.ipc, "new_stream", full)
    elif where == "write_batch":
        monkeypatch.setattr(
            pa.ipc, "new_stream", lambda *_, **__: SimpleNamespace(write_batch=full, close=full)
        )
    else:
        monkeypatch.setattr(Spool, "write", lambda *_: 1 / 0)
    done = []
    pushing = threading.Thread(target=lambda: done.append(bench.push()), daemon=True)
    pushing.start()
    pushing.join(30)
    assert done, "it waits for itself"
    assert done[0].status == "failed"
    if where != "a bug":
        assert "the plan cannot be kept in" in done[0].message
    monkeypatch.undo()
    assert bench.rows("select status from analytics_sync.runs") == [("failed",)]
    assert bench.rows("select * from analytics_sync.leases") == []
    bench.people("a")
    assert bench.push().status == "success"
