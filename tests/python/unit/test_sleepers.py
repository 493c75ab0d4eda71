"""A process that wakes beyond its lease writes nothing over the run that took over, wherever it slept."""

from __future__ import annotations

import threading
from dataclasses import replace

import duckdb
import pytest
from workbench import MemoryConnector, Workbench

from sync.config.models import Guards
from sync.engine.context import PushContext
from sync.engine.push.pusher import Pusher
from sync.engine.push.stream import Stream
from sync.errors import LeaseLostError, WarehouseError
from sync.records import Mode
from sync.state.leases import Leases
from sync.state.runs import RunLog
from sync.warehouses.duckdb import DuckDBWarehouse

OPEN = Guards(min_rows=0, max_removals_percent=None, max_additions_percent=None)
STATE = ("ledger", "acknowledgements", "runs", "batches", "failures", "withheld", "leases", "intents")  # fmt: skip


class WritingWarehouse(DuckDBWarehouse):
    """Of one process, connections to a file must be alike."""

    def session(self, *, write: bool = False):
        return super().session(write=True)


class Sleeper:
    """A bench whose run is overtaken once, at the instant `overtake` is called, and then goes on."""

    def __init__(self, bench: Workbench, *, here: bool) -> None:
        self.bench, self._here = bench, here
        self.state: dict[str, list[tuple]] | None = None
        self.other = None
        self.sent = 0

    def overtake(self) -> None:
        if self.state is not None:
            return
        self.state = {}
        bench = self.bench
        with duckdb.connect(str(bench.path)) as connection:
            connection.execute(
                "update analytics_sync.leases set expires_at = expires_at - interval 1 hour"
            )
        bench.people("b", "c", "d", score=3)
        context = PushContext(
            planning=replace(
                bench.planning(),
                warehouse=WritingWarehouse(str(bench.path)),
                journal=bench.path.parent / ("journal" if self._here else "another machine"),
            ),
            connector=MemoryConnector(bench.destination, bench.declaration),
            run_results=bench.run_results,
            options=bench.options,
            stop=threading.Event(),
        )
        self.other = Pusher(context, bench.definition).push()
        self.state = self.seen()
        self.sent = len(bench.destination.calls)

    def seen(self) -> dict[str, list[tuple]]:
        with duckdb.connect(str(self.bench.path)) as connection:
            return {
                name: sorted(
                    connection.execute(f"select * from analytics_sync.{name}").fetchall(), key=str
                )
                for name in STATE
            }


@pytest.fixture(params=[True, False], ids=["same folder", "another machine"])
def sleeper(workbench, request, monkeypatch) -> Sleeper:
    # Two of one process write side by side, as two processes do elsewhere; on a file the other would wait.
    many = replace(DuckDBWarehouse.dialect, one_writer=False)
    monkeypatch.setattr(DuckDBWarehouse, "dialect", many)
    bench = workbench(guards=OPEN)
    bench.declare(batch_rows=1)
    bench.people("a", "b", score=1)
    assert bench.push().status == "success"
    bench.people("b", "c", score=2)
    return Sleeper(bench, here=request.param)


def sleeps_at(sleeper: Sleeper, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = sleeper.bench

    def before(owner, name):
        function = getattr(owner, name)

        def slept(*arguments, **options):
            sleeper.overtake()
            return function(*arguments, **options)

        monkeypatch.setattr(owner, name, slept)

    if where == "before it is on record":
        before(Pusher, "_begin")
    elif where == "before it sends":
        before(Stream, "send")
    elif where == "within a request":
        for verb in ("upsert", "remove", "send", "begin"):
            before(bench.destination, verb)
    elif where == "before its end":
        before(Pusher, "_finish")


@pytest.mark.parametrize(
    "where",
    ["before it is on record", "before it sends", "within a request", "before its end"],
)
def test_a_sleeper_writes_nothing(sleeper, where, monkeypatch):
    sleeps_at(sleeper, where, monkeypatch)
    bench = sleeper.bench
    result = bench.push()
    assert sleeper.other.status == "success"
    assert (result.status, type(result.error)) == ("failed", LeaseLostError)
    assert "another run took over its lease" in result.message
    assert sleeper.seen() == sleeper.state
    assert bench.rows("select * from analytics_sync.leases") == []
    assert bench.held() == {"b", "c", "d"}


def test_a_sleeper_leaves_what_the_next_push_needs(sleeper, monkeypatch):
    """Its late request may undo what the other wrote: that is the vendor's to order. What the ledger says is the other's."""
    sleeps_at(sleeper, "before its end", monkeypatch)
    sleeper.bench.push()
    monkeypatch.undo()
    assert sleeper.bench.push().status == "success"
    assert {k: r.fields["score"] for k, r in sleeper.bench.destination.members.items()} == {
        "b": 3, "c": 3, "d": 3,
    }  # fmt: skip


def test_a_sleeper_does_not_end_the_run_that_is_at_work(workbench, monkeypatch):
    """The other holds the lease still, and its run, its intents and its journal are its own."""
    bench = workbench(guards=OPEN)
    bench.people("a")

    def taken(*_):
        with duckdb.connect(str(bench.path)) as connection:
            connection.execute("update analytics_sync.leases set owner = 'elsewhere/1.1/other'")
            connection.execute(
                "insert into analytics_sync.runs (environment, run_id, sync_name, command, status) "
                "values ('live', 'other', 'memory_people', 'push', 'running')"
            )
            connection.execute(
                "insert into analytics_sync.intents (environment, sync_name, run_id, sync_key) "
                "values ('live', 'memory_people', 'other', 'z')"
            )
            connection.execute("update analytics_sync.runs set status = 'interrupted' where run_id <> 'other'")  # fmt: skip
        folder = bench.path.parent / "journal" / "live" / "memory_people"
        (folder / "other.journal").touch()
        bench.destination.fault_after = None

    bench.destination.fault_after = taken
    assert bench.push().status == "failed"
    assert bench.rows("select owner from analytics_sync.leases") == [("elsewhere/1.1/other",)]
    statuses = bench.rows("select run_id = 'other', status from analytics_sync.runs order by 1")
    assert statuses == [(False, "interrupted"), (True, "running")]
    assert ("other", "z") in bench.rows("select run_id, sync_key from analytics_sync.intents")
    assert bench.rows("select count(*) from analytics_sync.acknowledgements") == [(0,)]
    assert list((bench.path.parent / "journal").rglob("other.journal"))


@pytest.mark.parametrize("mode", [Mode.EVENT, Mode.REPLACE, Mode.ADD])
def test_a_sleeper_of_any_mode_writes_nothing(workbench, mode, monkeypatch):
    bench = workbench(mode=mode, guards=OPEN, delivery="at_most_once")
    bench.people("a")
    sleeper = Sleeper(bench, here=True)
    sleeps_at(sleeper, "within a request", monkeypatch)
    result = bench.push()
    assert isinstance(result.error, LeaseLostError), result
    assert sleeper.seen() == sleeper.state


def test_every_write_of_a_push_proves_the_lease(workbench, monkeypatch):
    """Whatever a session is told to write after the lease was taken is within a unit that proves it."""
    from sync.warehouses.duckdb import DuckDBSession

    bench = workbench(guards=OPEN)
    bench.declare(batch_rows=1)
    bench.people("a", "b")
    acquire, unproven, leased = Leases.acquire, [], []

    def acquired(self, *arguments):
        found = acquire(self, *arguments)
        leased.append(True)
        return found

    unit = DuckDBSession._unit

    def seen(self, *statements, **options):
        if leased and not self._in_transaction:
            unproven.extend(statements)
        return unit(self, *statements, **options)

    monkeypatch.setattr(Leases, "acquire", acquired)
    monkeypatch.setattr(DuckDBSession, "_unit", seen)
    bench.push()
    bench.people("b")
    bench.push()
    bench.push()
    assert [one for one in unproven if "leases" not in one] == []


def test_a_disk_that_refuses_journal_and_warehouse_leaves_intents(workbench, monkeypatch):
    """Neither takes what was done: the next push, without the folder, knows what may have been."""
    import shutil

    from sync.state.journal import Journal

    bench = workbench(guards=OPEN)
    bench.declare(batch_rows=1)
    bench.people("a", "b", "c")

    def full(*_, **__):
        raise OSError(28, "no space")

    def refused(*_, **__):
        raise WarehouseError("disk full")

    def fill_up(number, _):
        if number == 1:
            monkeypatch.setattr(Journal, "_append", full)
            monkeypatch.setattr(Journal, "_make_room", full)
            monkeypatch.setattr(RunLog, "write", refused)
            monkeypatch.setattr(RunLog, "finish", refused)

    bench.destination.fault_after = fill_up
    assert bench.push().status == "failed"
    monkeypatch.undo()
    there = set(bench.destination.members)
    assert 1 <= len(there) <= 2
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("delete from analytics_sync.leases")
    shutil.rmtree(bench.path.parent / "journal")
    bench.destination.fault_after = None
    bench.people("z")
    assert bench.push().status == "success"
    assert set(bench.destination.members) == {"z"} == bench.held()


def asleep(monkeypatch, seconds):
    """So much time passes in which the process does not notice anything."""
    from sync.state import leases

    now = leases.instant
    monkeypatch.setattr(leases, "instant", lambda: now() + seconds)


@pytest.mark.parametrize("lost", [False, True])
def test_who_slept_while_it_waited_to_try_again_sends_nothing_more(bench, monkeypatch, lost):
    """Its rows are of before: another run may have taken out whom they would put back."""
    from sync.engine.retry import Retrier
    from sync.errors import TransientError
    from sync.state.leases import LEASE_SECONDS

    bench.people("a", "b")

    def down(*_):
        raise TransientError("no answer")

    def sleep(self, seconds):
        asleep(monkeypatch, LEASE_SECONDS + 1)

    if lost:
        bench.destination.fault_after = down
    else:
        bench.destination.fault = down
    monkeypatch.setattr(Retrier, "_sleep", sleep)
    assert bench.push().status == "failed"
    assert len(bench.destination.calls) == 1


@pytest.mark.parametrize("where", ["before it sends", "within a request"])
@pytest.mark.parametrize("many", [False, True], ids=["a file", "a warehouse of many"])
def test_whose_lease_was_broken_while_it_slept_sends_nothing_more(
    workbench, monkeypatch, where, many
):
    """`sync unlock` from a machine that does not see the process, and a push there; long before the lease ends by itself."""
    monkeypatch.setattr(DuckDBWarehouse, "dialect", replace(
        DuckDBWarehouse.dialect, one_writer=False, lease_believed_seconds=10.0 if many else 2.0,
    ))  # fmt: skip
    bench = workbench(guards=OPEN)
    bench.declare(batch_rows=1)
    bench.people(*"abcdefgh", score=1)
    sleeper = Sleeper(bench, here=False)

    def overtaken():
        if sleeper.other is None:
            sleeper.overtake()
            asleep(monkeypatch, 3)

    def before(owner, name):
        function = getattr(owner, name)

        def slept(*arguments, **options):
            overtaken()
            return function(*arguments, **options)

        monkeypatch.setattr(owner, name, slept)

    before(Stream if where == "before it sends" else bench.destination, "send" if where == "before it sends" else "upsert")  # fmt: skip
    result = bench.push()
    assert isinstance(result.error, LeaseLostError), result
    late = len(bench.destination.calls) - sleeper.sent
    assert late <= (0 if where == "before it sends" else 4), (
        "what was under way, one of each thread"
    )
    assert set(bench.destination.members) - {"b", "c", "d"} <= set("aefgh"[:late])
    assert sleeper.seen() == sleeper.state


def test_a_run_that_is_awake_asks_the_warehouse_seldom(bench, monkeypatch):
    """What each write of acknowledgements proves need not be asked before each request."""
    asked = []
    prove = Leases.prove
    monkeypatch.setattr(Leases, "prove", lambda *given: asked.append(1) or prove(*given))
    bench.declare(batch_rows=1)
    bench.people(*"abcdefgh")
    assert bench.push().added == 8
    assert asked == []
    asleep(monkeypatch, 5)
    bench.people(*"abcdefghi")
    assert bench.push().added == 1
    assert asked == [], "its lease was taken after that"


def test_a_lease_that_has_run_out_is_no_leave_to_send_though_nobody_took_it(workbench, monkeypatch):
    """Whoever takes it next may do so at any moment."""
    bench = workbench(guards=OPEN)
    bench.declare(batch_rows=1)
    bench.people(*"abcdefgh")

    def run_out(*_):
        with duckdb.connect(str(bench.path)) as connection:
            connection.execute(
                "update analytics_sync.leases set expires_at = expires_at - interval 1 hour"
            )
        asleep(monkeypatch, 3)

    send = Stream.send
    monkeypatch.setattr(Stream, "send", lambda *given, **more: run_out() or send(*given, **more))
    result = bench.push()
    assert isinstance(result.error, LeaseLostError), result
    assert bench.destination.calls == []
