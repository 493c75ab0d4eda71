"""What goes wrong on the way, and that nothing is lost, doubled or wrongly marked by it."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
from dataclasses import replace

import duckdb
import pytest
from workbench import TABLES, Delivery, Killed, PartialFailure

from sync.config.models import Guards
from sync.errors import AuthError, RateLimitedError, RejectedError, TransientError, WarehouseError
from sync.records import JobStatus, Mode, RowError
from sync.state.leases import owner_name


def failing(*numbers, error=TransientError):
    def fault(number, _):
        if number in numbers:
            raise error("no")

    return fault


def test_a_transient_error_is_tried_again(bench):
    bench.people("a", "b")
    bench.destination.fault = failing(1, 2)
    assert bench.push().status == "success"
    assert len(bench.destination.calls) == 3


def test_an_answer_lost_after_the_rows_were_taken_marks_them_once(bench):
    bench.people("a", "b")
    bench.destination.fault_after = failing(1)
    assert bench.push().status == "success"
    assert bench.held() == {"a", "b"}
    assert bench.rows("select count(*) from analytics_sync.acknowledgements") == [(2,)]


def test_a_batch_that_never_gets_through_stays_for_the_next_run(bench):
    bench.declare(batch_rows=1)
    bench.people("a", "b")

    def fault(_, records):
        if records[0].key == "a":
            raise TransientError("down")

    bench.destination.fault = fault
    result = bench.push()
    assert (result.status, result.added, result.failed) == ("partial", 1, 1)
    assert (bench.held(), bench.maybe()) == ({"b"}, {"a"})
    bench.destination.fault = None
    assert bench.push().changed == 1
    assert (bench.held(), bench.maybe()) == ({"a", "b"}, set())


def test_a_row_that_may_have_been_taken_is_removed_when_it_leaves(workbench):
    """Its answer was lost every time, so nobody knows: the destination must not keep it for ever."""
    bench = workbench(guards=Guards(min_rows=0, max_removals_percent=None))
    bench.declare(batch_rows=1)
    bench.people("a", "b")

    def lost(_, records):
        if records[0].key == "a":
            raise TransientError("reset")

    bench.destination.fault_after = lost
    bench.push()
    assert set(bench.destination.members) == {"a", "b"}
    bench.people("b")
    bench.destination.fault_after = None
    assert bench.push().removed == 1
    assert set(bench.destination.members) == {"b"} == bench.held()
    assert bench.maybe() == set()


def test_a_row_whose_removal_may_have_been_done_is_sent_again_when_it_returns(workbench):
    """The ledger would call it unchanged, and the destination would never see it again."""
    bench = workbench(guards=Guards(min_rows=0, max_removals_percent=None))
    bench.people("a", "b")
    assert bench.push().added == 2
    bench.people("b")

    def lost(_, records):
        raise TransientError("reset")

    bench.destination.fault_after = lost
    bench.push()
    assert set(bench.destination.members) == {"b"}
    bench.destination.fault_after = None
    bench.people("a", "b")
    bench.push()
    assert set(bench.destination.members) == {"a", "b"} == bench.held()


def test_a_row_refused_after_its_first_answer_was_lost_may_be_there(workbench):
    bench = workbench(guards=Guards(min_rows=0, max_removals_percent=None))
    bench.people("a")
    bench.destination.fault_after = failing(1)
    bench.destination.fault = lambda number, records: [
        RowError(record.key, "invalid", "no") for record in records if number == 2
    ]
    assert bench.push().failed == 1
    bench.people()
    assert bench.push().removed == 1
    assert bench.destination.members == {}


def test_events_whose_answer_was_lost_are_not_taken_for_sent(workbench):
    bench = workbench(mode=Mode.EVENT)
    bench.people("a")
    bench.destination.fault = lambda number, _: failing(number)(number, _)
    bench.push()
    assert (bench.held(), bench.maybe()) == (set(), set())
    bench.destination.fault = None
    assert bench.push().added == 1


def test_a_rate_limited_batch_waits_as_long_as_the_vendor_says(bench):
    from sync.engine.retry import Retrier, RetryPolicy

    waits = []

    class Stop:
        def wait(self, seconds):
            waits.append(seconds)

        def is_set(self):
            return False

    def call():
        if not waits:
            raise RateLimitedError("slow", retry_after_seconds=7)
        return "taken"

    retrier = Retrier(RetryPolicy(base_seconds=0.01, max_seconds=5), Stop())
    assert retrier.call(call) == "taken"
    assert 7 <= waits[0] < 8


def test_refused_credentials_stop_the_sync_before_a_row_is_sent(bench):
    bench.people("a")
    bench.destination.credentials_error = AuthError("401")
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "credentials")
    assert bench.destination.calls == []
    assert bench.rows("select status from analytics_sync.runs") == [("refused",)]


def test_credentials_that_expire_half_way_keep_what_was_taken(bench):
    bench.declare(batch_rows=1)
    bench.people(*"abcdefgh")
    bench.destination.fault = lambda number, _: (
        failing(number, error=AuthError)(number, _) if number > 3 else None
    )
    result = bench.push()
    assert result.status == "partial"
    assert len(bench.held()) == 3 == len(bench.destination.members)
    assert len(bench.destination.calls) < 8
    bench.destination.fault = None
    result = bench.push()
    assert result.added + result.changed == 5


def test_refused_rows_are_kept_with_the_reason_and_the_rest_goes_through(bench):
    bench.people("a", "b")
    bench.destination.fault = lambda _, records: [
        RowError(record.key, "invalid", "jane@example.com is not valid")
        for record in records
        if record.key == "b"
    ]
    result = bench.push()
    assert (result.status, result.added, result.failed) == ("partial", 1, 1)
    assert bench.rows(
        "select sync_key, status, message, attempts from analytics_sync.failures"
    ) == [("b", "invalid", "[email] is not valid", 1)]


def test_a_row_is_quarantined_after_its_attempts_and_freed_when_it_changes(workbench):
    bench = workbench(quarantine_after=2)
    bench.people("a", "b")

    def fault(_, records):
        return [RowError(r.key, "invalid", "no") for r in records if r.key == "b"]

    bench.destination.fault = fault
    bench.push()
    bench.push()
    calls = len(bench.destination.calls)
    result = bench.push()
    assert (result.status, result.counts.withheld) == ("partial", {"quarantined": 1})
    assert "1 quarantined" in result.message
    assert len(bench.destination.calls) == calls
    bench.people("a", "b", score=2)
    bench.destination.fault = None
    assert bench.push().added == 1


def test_a_removal_is_never_quarantined(workbench):
    """Five failures, and somebody who objected would be left alone at the vendor in a run that calls itself a success."""
    bench = workbench(quarantine_after=1, guards=Guards(min_rows=0, max_removals_percent=None))
    bench.people("a")
    bench.push()
    bench.people()
    bench.destination.fault = lambda _, records: [RowError(r.key, "no", "no") for r in records]
    assert [bench.push().status for _ in range(3)] == ["failed"] * 3
    bench.destination.fault = None
    assert bench.push().removed == 1
    assert bench.destination.members == {}


def test_a_row_that_may_be_there_is_failing_still(bench):
    """An attempt is no answer: `sync failures` lists the row until it is taken."""
    from sync.state.history import RunHistory

    bench.people("a")
    bench.destination.fault = lambda _, records: [RowError(r.key, "no", "no") for r in records]
    bench.push()
    bench.destination.fault = failing(*range(9))
    bench.push()
    history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
    with bench.warehouse.session() as session:
        assert len(history.failures(session, "memory_people", 9)) == 1
    bench.destination.fault = None
    bench.push()
    with bench.warehouse.session() as session:
        assert history.failures(session, "memory_people", 9) == []


def test_who_was_refused_and_left_is_not_failing_for_ever(bench):
    """A green push and `1 failing` beside it, which nothing could end: never taken, never tried again."""
    from sync.state.history import RunHistory

    history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")

    def failing_keys():
        with bench.warehouse.session() as session:
            return [row["sync_key"] for row in history.failures(session, "memory_people", 9)]

    bench.destination.fault = lambda _, records: [
        RowError(record.key, "invalid", "no") for record in records if record.key != "a"
    ]
    bench.people("a", "b", "c")
    assert bench.push().status == "partial"
    assert failing_keys() == ["b", "c"]
    bench.people("a", "c")
    assert bench.push().status == "failed"
    assert "c" in failing_keys()
    bench.people("a")
    assert bench.push().status == "success"
    assert failing_keys() == []
    bench.people("a", "b")
    bench.push()
    assert failing_keys() == ["b"]


def test_a_run_that_was_asked_to_stop_is_no_change_of_state(bench):
    bench.declare(batch_rows=1)
    bench.people("a")
    bench.push()
    bench.people(*(f"p{number}" for number in range(20)), "a")
    bench.destination.fault = lambda number, _: bench.stop.set() if number == 3 else None
    bench.push()
    bench.stop.clear()
    bench.destination.fault = None
    assert bench.push().previous_status == "success"
    statuses = bench.rows("select status from analytics_sync.runs order by started_at")
    assert [row[0] for row in statuses] == ["success", "interrupted", "success"]


def test_no_more_requests_are_in_flight_than_the_destination_allows(bench):
    bench.declare(batch_rows=1)
    bench.people(*(f"p{number}" for number in range(30)))
    under_way, most, lock = [0], [0], threading.Lock()
    upsert = bench.destination.upsert

    def counted(records):
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        try:
            threading.Event().wait(0.01)
            return upsert(records)
        finally:
            with lock:
                under_way[0] -= 1

    bench.destination.upsert = counted
    assert bench.push().added == 30
    assert most[0] == 2


def test_one_bad_row_does_not_spoil_an_all_or_nothing_batch(bench):
    bench.declare(batch_rows=8, partial_failure=PartialFailure.ALL_OR_NOTHING)
    bench.people(*"abcdefgh")

    def fault(_, records):
        if any(record.key == "f" for record in records):
            raise RejectedError("a row is wrong")

    bench.destination.fault = fault
    result = bench.push()
    assert (result.added, result.failed) == (7, 1)
    assert bench.held() == set("abcdegh")


def test_a_request_that_is_wrong_as_a_whole_is_not_split_down_to_every_row(bench):
    bench.declare(batch_rows=1000, partial_failure=PartialFailure.ALL_OR_NOTHING)
    bench.people(*(f"p{number}" for number in range(1000)))
    bench.destination.fault = lambda *_: failing(_[0], error=RejectedError)(*_)
    result = bench.push()
    assert (result.status, result.failed) == ("failed", 1000)
    assert len(bench.destination.calls) < 60


def test_the_circuit_opens_when_nothing_gets_through(bench):
    bench.declare(batch_rows=1)
    bench.people(*(f"p{number}" for number in range(50)))
    bench.destination.fault = lambda number, _: failing(number)(number, _)
    result = bench.push()
    assert (result.status, result.failed, bench.held()) == ("failed", 50, set())
    assert len(bench.destination.calls) <= 3 * (5 + 4)


def test_an_async_job_is_acknowledged_only_when_it_says_so(bench):
    bench.people("a", "b", "c")
    bench.destination.poll = lambda job: bench.destination.jobs[job].pop(0)
    bench.destination.job_rows = lambda _: "job-1"
    held = []

    def poll(job):
        held.append(bench.held())
        return bench.destination.jobs[job].pop(0)

    bench.destination.poll = poll
    bench.destination.jobs["job-1"] = [
        JobStatus(done=False),
        JobStatus(done=True, failed=[RowError("b", "invalid", "no")]),
    ]
    result = bench.push()
    assert held == [set(), set()]
    assert (result.added, result.failed, bench.held()) == (2, 1, {"a", "c"})


def refuse_in_jobs(bench, bad, *, counted=True):
    """Jobs that refuse `bad` keys and never say which: how many at most. Returns the keys of each job as they come."""
    jobs = {}

    def job(records):
        name = f"job-{len(jobs)}"
        jobs[name] = {record.key for record in records}
        return name

    def poll(name):
        count = len(jobs[name] & bad)
        if count == len(jobs[name]):
            return JobStatus(done=True, all_failed="INVALID")
        return JobStatus(
            done=True, some_failed="INVALID" if count else None,
            failed_count=count if counted else None,
        )  # fmt: skip

    bench.destination.job_rows, bench.destination.poll = job, poll
    return jobs


def test_rows_that_a_job_refused_without_saying_which_are_found_by_halves(bench):
    """The vendor tells a count: no good row may stay unmarked for it, and no bad one be called taken."""
    bench.declare(batch_rows=100, partial_failure=PartialFailure.BY_POLLING)
    bench.people(*(f"p{number:02}" for number in range(40)))
    bad = {"p07", "p31"}
    jobs = refuse_in_jobs(bench, bad)
    result = bench.push()
    assert (result.status, result.added, result.failed) == ("partial", 38, 2)
    assert {row[0] for row in bench.rows("select sync_key from analytics_sync.failures")} == bad
    assert len(jobs) < 30


def test_a_job_that_refused_most_of_its_rows_decides_nothing(bench):
    """Each half would be a job of its own. Nothing is called taken, and no row is quarantined for it."""
    bench.declare(batch_rows=100, partial_failure=PartialFailure.BY_POLLING)
    bench.people(*(f"p{number:02}" for number in range(40)))
    bench.destination.job_rows = lambda _: "job"
    bench.destination.poll = lambda _: JobStatus(done=True, some_failed="INVALID", failed_count=30)
    result = bench.push()
    assert (result.status, result.added, result.failed) == ("failed", 0, 40)
    assert "INVALID" in result.message
    assert (bench.held(), len(bench.maybe()), len(bench.destination.calls)) == (set(), 40, 1)
    assert bench.rows("select count(*) from analytics_sync.failures") == [(0,)]


@pytest.mark.parametrize("counted", [True, False])
def test_a_search_for_refused_rows_ends_and_goes_on_in_the_next_push(bench, counted):
    """With many bad rows it would take hours; what it found out is kept, and what it did not is no row's fault."""
    bench.definition = replace(bench.definition, quarantine_after=2)
    bench.declare(batch_rows=1000, partial_failure=PartialFailure.BY_POLLING)
    bench.people(*(f"p{number:03}" for number in range(512)))
    bad = {f"p{number:03}" for number in range(0, 512, 17)}
    jobs = refuse_in_jobs(bench, bad, counted=counted)
    added = []
    for _ in range(7):
        before = len(jobs)
        bench.push()
        added.append(len(bench.held()))
        assert len(jobs) - before <= 128 + 10
    assert 0 < added[0] < added[-1] == 512 - len(bad), added
    failing_rows = bench.rows("select distinct sync_key from analytics_sync.failures")
    assert {row[0] for row in failing_rows} <= bad


def test_jobs_are_waited_for_side_by_side(bench):
    """A job may take half an hour: one at a time, a large audience would take days."""
    bench.declare(batch_rows=1, partial_failure=PartialFailure.BY_POLLING)
    bench.people(*(f"p{number}" for number in range(8)))
    together = threading.Barrier(8, timeout=30)  # broken unless all eight are waited for at once
    bench.destination.job_rows = lambda records: records[0].key
    asked = set()

    def poll(job):
        first = job not in asked
        asked.add(job)
        return JobStatus(done=not first)

    bench.destination.poll = poll
    from sync.engine.retry import Retrier

    def pause(self, seconds):
        together.wait()
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Retrier, "pause", pause)
        assert bench.push().added == 8


@pytest.mark.parametrize(("ends", "status"), [(True, "success"), (False, "failed")])
def test_a_run_that_is_to_stop_waits_for_its_jobs_but_not_for_ever(bench, ends, status):
    """A job that has ended and is not acknowledged is sent again as a whole."""
    bench.people("a", "b")
    bench.destination.job_rows = lambda _: "job"
    policy = replace(bench.options.policy, stop_seconds=0.01)
    bench.options = replace(bench.options, policy=policy)
    asked = []

    def poll(job):
        asked.append(job)
        bench.stop.set()
        return JobStatus(done=ends and len(asked) > 3)

    bench.destination.poll = poll
    result = bench.push()
    assert result.status == status
    assert len(bench.held()) == (2 if ends else 0)
    assert 3 < len(asked) < 200


def test_a_run_that_cannot_go_on_leaves_its_jobs(bench, monkeypatch):
    """Nobody is left to acknowledge them, and a job may take hours."""
    bench.declare(batch_rows=1, partial_failure=PartialFailure.BY_POLLING)
    bench.people("a", "b")
    bench.destination.job_rows = lambda records: records[0].key
    bench.destination.poll = lambda job: JobStatus(done=job == "a")

    def refused(*_):
        raise WarehouseError("disk full")

    monkeypatch.setattr("sync.state.runs.RunLog.write", refused)
    result = bench.push()
    assert (result.status, bench.held()) == ("failed", {"a"}), "the journal knew of one"


def test_an_async_job_that_fails_marks_nothing(bench):
    bench.people("a", "b")
    bench.destination.job_rows = lambda _: "job-1"
    bench.destination.poll = lambda _: JobStatus(done=True, all_failed="file is broken")
    result = bench.push()
    assert (result.status, result.failed, bench.held()) == ("failed", 2, set())


def test_at_most_once_never_repeats_an_event_whose_answer_was_lost(workbench):
    bench = workbench(mode=Mode.EVENT, delivery="at_most_once")
    bench.declare(delivery=Delivery.AT_LEAST_ONCE)
    bench.people("a")
    bench.destination.fault_after = failing(1)
    bench.push()
    bench.destination.fault_after = None
    bench.push()
    assert [event.key for event in bench.destination.events] == ["a"]


def test_at_most_once_sends_again_what_the_vendor_surely_refused(workbench):
    bench = workbench(mode=Mode.EVENT, delivery="at_most_once")
    bench.declare(delivery=Delivery.AT_LEAST_ONCE)
    bench.people("a", "b")
    bench.destination.fault = lambda _, records: [
        RowError(record.key, "quota", "later") for record in records if record.key == "b"
    ]
    assert bench.push().failed == 1
    bench.destination.fault = None
    assert bench.push().added == 1
    assert sorted(event.key for event in bench.destination.events) == ["a", "b"]


def test_at_least_once_repeats_an_event_whose_answer_was_lost(workbench):
    bench = workbench(mode=Mode.EVENT, delivery="at_least_once")
    bench.declare(delivery=Delivery.AT_LEAST_ONCE)
    bench.people("a")
    bench.destination.fault_after = failing(1)
    assert bench.push().status == "success"
    assert [event.key for event in bench.destination.events] == ["a", "a"]


def test_an_event_sync_must_say_its_guarantee_where_the_vendor_gives_none(workbench):
    bench = workbench(mode=Mode.EVENT)
    bench.declare(delivery=Delivery.AT_LEAST_ONCE)
    bench.people("a")
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "delivery")


def test_a_row_larger_than_any_request_fails_alone(bench):
    bench.declare(batch_rows=10, batch_bytes=500)
    bench.table([{"profile_id": "a"}, {"profile_id": "b", "email": "x" * 900}])
    result = bench.push()
    assert (result.added, result.failed, bench.held()) == (1, 1, {"a"})
    assert bench.rows("select status from analytics_sync.failures") == [("too_large",)]


def test_batches_keep_to_the_destinations_rows_and_bytes(bench):
    bench.declare(batch_rows=10, batch_bytes=450)
    bench.people(*(f"p{number}" for number in range(9)))
    bench.push()
    assert 3 <= len(bench.destination.calls) <= 6
    assert all(len(keys) <= 3 for _, keys in bench.destination.calls)


def test_a_stopped_run_marks_what_is_in_flight_and_the_next_goes_on(bench):
    bench.declare(batch_rows=1)
    bench.people(*(f"p{number}" for number in range(20)))
    bench.destination.fault = lambda number, _: bench.stop.set() if number == 3 else None
    result = bench.push()
    assert result.interrupted
    assert result.status == "partial"
    assert bench.held() == set(bench.destination.members)
    assert 3 <= len(bench.held()) < 20
    bench.stop.clear()
    assert bench.push().status == "success"
    assert len(bench.held()) == 20
    keys = [key for _, keys in bench.destination.calls for key in keys]
    assert len(keys) == len(set(keys)) == 20


def test_acknowledgements_of_a_killed_run_count(bench):
    """Kill -9 leaves acknowledgements that no run has compacted: the next plan and push know of them."""
    bench.people("a", "b")
    bench.push()
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("update analytics_sync.runs set status = 'running'")
        connection.execute("delete from analytics_sync.ledger")
    assert bench.plan().counts.unchanged == 2
    calls = len(bench.destination.calls)
    assert bench.push().counts.unchanged == 2
    assert len(bench.destination.calls) == calls
    assert bench.held() == {"a", "b"}
    assert bench.rows("select status from analytics_sync.runs order by started_at") == [
        ("interrupted",),
        ("success",),
    ]


def test_a_warehouse_that_refuses_an_acknowledgement_for_a_while_loses_nothing(bench, monkeypatch):
    from sync.state.runs import RunLog

    bench.people("a", "b")
    write, calls = RunLog.write, []

    def flaky(self, *arguments):
        calls.append(1)
        if len(calls) < 3:
            raise WarehouseError("disk full")
        return write(self, *arguments)

    monkeypatch.setattr(RunLog, "write", flaky)
    assert bench.push().status == "success"
    assert bench.held() == {"a", "b"}


def test_what_the_warehouse_cannot_take_is_kept_on_disk_and_not_sent_twice(bench, monkeypatch):
    from sync.state.runs import RunLog

    bench.declare(batch_rows=1)
    bench.people(*(f"p{number}" for number in range(30)))

    def broken(self, *arguments):
        raise WarehouseError("disk full")

    monkeypatch.setattr(RunLog, "write", broken)
    result = bench.push()
    assert result.status == "failed"
    assert "could not be acknowledged" in result.message
    monkeypatch.undo()
    assert bench.push().status == "success"
    assert len(bench.held()) == 30 == len(bench.destination.members)
    sent = [key for _, keys in bench.destination.calls for key in keys]
    assert len(sent) == len(set(sent)) == 30
    assert not list((bench.path.parent / "journal").rglob("*.journal"))


def test_a_journal_that_was_in_the_warehouse_already_counts_once(bench, monkeypatch):
    from sync.state.journal import Journal

    monkeypatch.setattr(Journal, "drop", lambda *_: None)  # killed between the group and the drop
    bench.people("a", "b")
    bench.push()
    monkeypatch.undo()
    bench.people("a", "b", "c")
    assert bench.push().added == 1
    rows = bench.rows("select sync_key, count(*) from analytics_sync.acknowledgements group by all")
    assert sorted(rows) == [("a", 1), ("b", 1), ("c", 1)]


def test_a_journal_file_that_was_cut_short_is_no_acknowledgement(bench):
    folder = bench.path.parent / "journal" / "live" / "memory_people"
    folder.mkdir(parents=True)
    (folder / "20260101-000000-000000-aaaaaa.journal").write_bytes(b"\xff" * 50)
    bench.people("a")
    assert bench.push().added == 1


# A container with the host's name (`--network host`): its processes are not to be seen from here.
CONTAINER = f"{socket.gethostname()}/1.1.0badcafe/run"


@pytest.mark.parametrize(
    "owner",
    ["elsewhere/1.1/run", owner_name("run"), CONTAINER],
    ids=["elsewhere", "this process", "another container"],
)
def test_one_run_per_sync_at_a_time(bench, owner):
    bench.people("a")
    later = dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(minutes=5)
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "insert into analytics_sync.leases values ('live', 'memory_people', ?, ?)",
            [owner, later],
        )
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "running")
    assert bench.destination.calls == []


@pytest.mark.parametrize(
    ("owner", "minutes"),
    [
        ("elsewhere/1.1/run", -1),
        (f"{socket.gethostname()}/4999999.1/run", 5),  # as earlier versions said it
        (owner_name("run").replace(f"/{os.getpid()}.", "/4999999."), 5),
        (f"{socket.gethostname()}/{os.getpid()}.1/run", 5),  # the number lives again
    ],
    ids=["expired", "dead process of before", "dead process", "reused process number"],
)
def test_an_expired_lease_and_one_of_a_dead_process_are_taken_over(bench, owner, minutes):
    bench.people("a")
    expires = dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(minutes=minutes)
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "insert into analytics_sync.leases values ('live', 'memory_people', ?, ?)",
            [owner, expires],
        )
    assert bench.push().status == "success"
    assert bench.rows("select count(*) from analytics_sync.leases") == [(0,)]


def test_a_lease_is_given_back_after_a_refusal(workbench):
    bench = workbench(guards=Guards(min_rows=5))
    bench.people("a")
    assert bench.push().status == "refused"
    assert bench.rows("select count(*) from analytics_sync.leases") == [(0,)]


def test_a_failed_replace_leaves_the_old_set_and_the_ledger_alone(workbench):
    bench = workbench(mode=Mode.REPLACE)
    bench.declare(batch_rows=1)
    bench.people("a", "b")
    bench.push()
    bench.people("a", "b", "c", "d")
    bench.destination.fault = lambda number, _: failing(number)(number, _) if number > 4 else None
    assert bench.push().status == "failed"
    assert set(bench.destination.members) == {"a", "b"} == bench.held()


def test_a_bug_is_told_without_data_and_gives_exit_code_2(bench):
    from sync.engine.run import exit_code

    bench.people("a")

    def fault(*_):
        raise KeyError("jane@example.com")

    bench.destination.fault = fault
    result = bench.push()
    assert result.status == "failed"
    assert "jane" not in result.message
    assert exit_code([result]) == 2


def killed_with_a_request_in_flight(bench):
    """What kill -9 leaves: a lease of a dead process, a run that is running, and an attempt in the journal."""

    def killed(*_):
        raise Killed

    bench.destination.fault = killed
    with bench.killable(), pytest.raises(Killed):
        bench.push()
    bench.destination.fault = None
    with duckdb.connect(str(bench.path)) as connection:
        dead = f"{socket.gethostname()}/4999999.1/run"
        connection.execute("update analytics_sync.leases set owner = ?", [dead])


def test_requests_of_a_dead_process_are_given_time_to_arrive(bench, monkeypatch):
    """They may land after the next run has begun, and undo what it wrote."""
    from sync.engine.retry import Retrier

    bench.people("a")
    killed_with_a_request_in_flight(bench)
    pauses = []
    monkeypatch.setattr(Retrier, "pause", lambda _, seconds: pauses.append(seconds) or True)
    bench.options = replace(bench.options, policy=replace(bench.options.policy, settle_seconds=5.0))
    bench.destination.fault = lambda *_: pauses.append("sent")
    assert bench.push().status == "success"
    assert pauses == [5.0, "sent"]
    bench.people("a", "b")
    bench.push()
    assert pauses == [5.0, "sent", "sent"], "nothing was in flight when the last run ended"


def test_what_was_in_flight_long_ago_has_arrived(bench, monkeypatch):
    from sync.engine.push import acknowledge
    from sync.engine.retry import Retrier

    bench.people("a")
    with monkeypatch.context() as then:
        long_ago = acknowledge.now_utc() - dt.timedelta(hours=1)
        then.setattr(acknowledge, "now_utc", lambda: long_ago)
        killed_with_a_request_in_flight(bench)
    monkeypatch.setattr(Retrier, "pause", lambda *_: pytest.fail("waited"))
    assert bench.push().status == "success"


def test_a_lease_is_renewed_while_an_answer_is_waited_for(bench, monkeypatch):
    """A job may take longer than a lease lasts; without renewal another run would begin beside this one."""
    from sync.engine.push import groups

    now = [dt.datetime.now(dt.UTC).replace(tzinfo=None)]
    monkeypatch.setattr(groups, "now_utc", lambda: now[0])
    bench.people("a")
    bench.destination.job_rows = lambda _: "job-1"
    expiry = []

    def poll(job):
        # Two hundred seconds a question, until the lease has been seen to move.
        if len({row["expires_at"] for row in expiry}) > 2:
            return JobStatus(done=True)
        now[0] += dt.timedelta(seconds=200)
        waited = threading.Event()
        for _ in range(200):
            with bench.warehouse.session() as session:
                expiry.extend(session.rows("select expires_at from analytics_sync.leases"))
            if expiry[-1]["expires_at"] > now[0] + dt.timedelta(seconds=500):
                break
            waited.wait(0.05)
        return JobStatus(done=False)

    bench.destination.poll = poll
    assert bench.push().status == "success"
    assert len({row["expires_at"] for row in expiry}) > 2


def test_a_process_that_slept_beyond_its_lease_sends_nothing(bench, monkeypatch):
    from sync.engine.push.stream import Stream
    from sync.state import leases

    bench.people("a")
    now, send = leases.instant, Stream.send

    def slept(self, *given, **settings):  # begun, then stopped for a quarter of an hour
        monkeypatch.setattr(leases, "instant", lambda: now() + 900)
        return send(self, *given, **settings)

    monkeypatch.setattr(Stream, "send", slept)
    result = bench.push()
    assert (result.status, bench.destination.calls) == ("failed", [])
    assert "lease" in result.message


def test_who_is_told_to_stop_while_the_file_is_held_by_another_is_interrupted(bench, monkeypatch):
    """Also when rows were taken that could not be marked any more: the exit code is that of every interrupt."""
    from sync.engine.run import exit_code
    from sync.errors import WarehouseLockedError
    from sync.state.runs import RunLog

    bench.people("a", "b")

    def held(self, *arguments):
        bench.stop.set()
        raise WarehouseLockedError("interrupted while the file was held by dbt.")

    monkeypatch.setattr(RunLog, "write", held)
    result = bench.push()
    assert "could not be acknowledged" in result.message
    assert exit_code([result]) == 2
