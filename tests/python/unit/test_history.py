"""What was sent to whom, whose lease is broken, and what a schedule owes."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from workbench import TABLES

from sync.errors import LeaseLostError
from sync.state.history import RunHistory
from sync.state.leases import Leases, owner_name
from sync.state.sent import PeopleTables, Sent
from sync.warehouses.base import now_utc

NOBODY = PeopleTables(None, None, None)


def sent(bench, told, people=NOBODY):
    reader = Sent(bench.warehouse, TABLES, people, environment="live")
    with bench.warehouse.session() as session:
        rows = reader.rows(session, told, reader.ids(session, told), limit=100)
    return [(row["action"], row["sync_key"]) for row in rows]


def tables(bench, **queries):
    with duckdb.connect(str(bench.path)) as connection:
        for name, query in queries.items():
            connection.execute(f"create table {name} as {query}")
    return PeopleTables(
        **{
            name: name if name in queries else None
            for name in ("identifiers", "aliases", "touchpoints")
        }
    )


def test_what_was_sent_for_a_key_is_told_in_order(bench):
    bench.people("a", "b")
    bench.push()
    bench.people("a", "b", score=2)
    bench.push()
    bench.people("b", score=2)
    bench.push(allow_removals=True)
    assert sent(bench, "a") == [("add", "a"), ("change", "a"), ("remove", "a")]
    assert sent(bench, "nobody") == []


def test_a_person_is_found_by_address_old_id_and_message(bench):
    bench.people("old", "message")
    bench.push()
    bench.people("old", "message", "new")
    bench.push(allow_additions=True)
    people = tables(
        bench,
        identifiers="select 'new' as profile_id, 'anna@example.com' as identifier_value",
        aliases="select 'person' as entity, unnest(['old', 'new']) as old_id, 'new' as live_id",
        touchpoints="select 'message' as touchpoint_id, 'new' as profile_id",
    )
    everything = [("add", "message"), ("add", "new"), ("add", "old")]
    for told in ("Anna@Example.com", "old", "new"):
        assert sorted(sent(bench, told, people)) == everything


def test_an_address_finds_what_was_sent_with_it_where_nobody_resolves_people(bench):
    bench.table(
        [
            {"profile_id": "p", "email": "a_b@example.com"},
            {"profile_id": "q", "email": "axb@example.com"},
        ]
    )
    bench.push()
    assert sent(bench, "A_b@example.com") == [("add", "p")]


def test_a_key_of_several_columns_begins_with_whom_it_is_of(workbench):
    bench = workbench(key=("profile_id", "email"))
    bench.people("a", "ab")
    bench.push()
    assert sent(bench, "a") == [("add", "a|a@example.com")]


def test_a_lease_that_is_broken_is_free(bench):
    names = {"environment": "live", "sync_name": "memory_people"}
    dialect = bench.warehouse.dialect
    theirs = Leases(TABLES, dialect, owner="elsewhere/1.0/run", **names)
    ours = Leases(TABLES, dialect, owner=owner_name("x"), **names)
    with bench.warehouse.session(write=True) as session:
        assert theirs.acquire(session, now_utc()) is None
        assert "process 1 on elsewhere" in ours.holder_of(session, "memory_people", now_utc())
        session.execute(ours.breaking())
        with pytest.raises(LeaseLostError), theirs.held(session, now_utc()):
            pass
        assert ours.acquire(session, now_utc()) is None


@pytest.mark.parametrize(
    ("hours", "overdue"), [(24, None), (29, None), (31, "late"), (47, "late"), (49, "missing")]
)
def test_a_run_that_does_not_come_is_late_then_missing(bench, hours, overdue):
    now = now_utc()
    with duckdb.connect(str(bench.path)) as connection:
        for days in range(4):
            at = now - dt.timedelta(hours=hours) - dt.timedelta(days=days)
            connection.execute(
                "insert into analytics_sync.runs (environment, run_id, sync_name, command, status, started_at, finished_at) "
                "values ('live', ?, 'memory_people', 'push', 'success', ?, ?), "
                "('live', ?, 'pull:memory', 'pull', 'success', ?, ?), ('live', ?, 'pull:often', 'pull', 'success', ?, ?)",
                [f"r{days}", at, at, f"p{days}", at, at, f"o{days}", now, now],
            )
    with bench.warehouse.session() as session:
        history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
        assert history.summary(session, "memory_people", now)["overdue"] == overdue
        pulls = {one["destination"]: one["overdue"] for one in history.pulls(session, now)}
        assert pulls == {"memory": overdue, "often": None}


@pytest.mark.parametrize(
    ("mode", "past", "last", "unusual"),
    [
        ("mirror", [1000] * 5, 1000, None),
        ("mirror", [1000] * 5, 3001, "spike"),
        ("mirror", [1000] * 5, 333, "drop"),
        ("mirror", [1000] * 5, 0, "drop"),
        ("mirror", [1000] * 4, 5000, None),  # too few to know
        ("mirror", [10] * 5, 90, None),  # noise
        ("mirror", [0, 9000, 1000, 1000, 1000], 1000, None),
        ("event", [1000] * 5, 0, "drop"),
    ],
)
def test_a_run_unlike_the_usual_is_told_apart(bench, mode, past, last, unusual):
    """Rows are the table's, changed or not; of events those that were sent, so that days on which none are due are a drop."""
    now = now_utc()
    with duckdb.connect(str(bench.path)) as connection:
        for days, rows in enumerate([last, *reversed(past)]):
            at = now - dt.timedelta(days=days)
            added, unchanged = (rows, 7000) if mode == "event" else (1, rows - 1)
            connection.execute(
                "insert into analytics_sync.runs (environment, run_id, sync_name, command, mode, status, started_at, finished_at, "
                "added, changed, removed, unchanged) values ('live', ?, 'memory_people', 'push', ?, 'success', ?, ?, ?, 0, 0, ?)",
                [f"r{days}", mode, at, at, added, unchanged],
            )
    with bench.warehouse.session() as session:
        history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
        found = history.summary(session, "memory_people", now)
    assert found["unusual"] == unusual
    assert bool(found["unusual_because"]) is bool(unusual)


@pytest.mark.parametrize(
    ("past", "failed", "added", "unusual"),
    [
        (2, 300, 700, "failures"),
        (2, 0, 1000, None),
        (2, 9, 1, None),  # too few rows to say
        (200, 300, 700, None),  # as many as always, more or less
        (0, 10, 1990, None),  # half a percent
    ],
)
def test_a_share_of_refusals_that_is_unusual_is_told_apart(bench, past, failed, added, unusual):
    now = now_utc()
    with duckdb.connect(str(bench.path)) as connection:
        for days, (bad, good) in enumerate([(failed, added), *[(past, 1000 - past)] * 6]):
            at = now - dt.timedelta(days=days)
            connection.execute(
                "insert into analytics_sync.runs (environment, run_id, sync_name, command, mode, status, started_at, finished_at, "
                "added, changed, removed, unchanged, failed) "
                "values ('live', ?, 'memory_people', 'push', 'mirror', 'partial', ?, ?, ?, 0, 0, 9000, ?)",
                [f"r{days}", at, at, good, bad],
            )
    with bench.warehouse.session() as session:
        history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
        found = history.summary(session, "memory_people", now)
    assert found["unusual"] == unusual
    if unusual:
        assert found["unusual_because"] == "300 rows failed, 30.0% of those tried, usually 0.2%"


def test_a_run_that_takes_three_times_as_long_is_slow(bench):
    now = now_utc()
    with duckdb.connect(str(bench.path)) as connection:
        for days, seconds in enumerate([400, *[100] * 6]):
            at = now - dt.timedelta(days=days)
            connection.execute(
                "insert into analytics_sync.runs (environment, run_id, sync_name, command, mode, status, started_at, finished_at) "
                "values ('live', ?, 'memory_people', 'push', 'mirror', 'success', ?, ?)",
                [f"r{days}", at, at + dt.timedelta(seconds=seconds)],
            )
    with bench.warehouse.session() as session:
        history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
        found = history.summary(session, "memory_people", now)
    assert (found["unusual"], found["unusual_because"]) == ("slow", "400 seconds, usually 100")


def test_trials_are_no_schedule(bench):
    bench.people("a")
    for _ in range(4):
        bench.push()
    with bench.warehouse.session() as session:
        history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
        soon = now_utc() + dt.timedelta(days=3)
        assert history.summary(session, "memory_people", soon)["overdue"] is None


def test_what_was_told_last_is_remembered(bench):
    from sync.state.runs import RunLog

    log = RunLog(
        TABLES,
        bench.warehouse.dialect,
        environment="live",
        sync_name="memory_people",
        run_id="r",
    )
    with bench.warehouse.session(write=True) as session:
        assert log.last_told(session) is None
        for status in ("missing", "success"):
            log.record(
                session, command="alert", mode="mirror", started_at=now_utc(), finished_at=now_utc(),
                status=status, message=None, counts={},
            )  # fmt: skip
            assert log.last_told(session) == status
    bench.people("a")
    assert bench.push().previous_status is None


def test_runs_of_another_environment_are_known(bench):
    history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
    bench.people("a")
    bench.push()
    with bench.warehouse.session() as session:
        assert history.is_used(session, "live")
        assert not history.is_used(session, "sandbox")
