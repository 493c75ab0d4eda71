"""Whose fault a refusal is: a row's is booked on it, anything else on nobody; and no push is green while somebody is left behind."""

from __future__ import annotations

import itertools
import socket
import threading
from dataclasses import replace

import duckdb
import pytest
from workbench import TABLES, Delivery, Killed, PartialFailure

from sync.config.models import Guards
from sync.destinations.answers import Fault, Verdict, Verdicts
from sync.engine.run import exit_code
from sync.errors import (
    AuthError,
    GoneError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnexpectedAnswerError,
    UnsentError,
)
from sync.records import BatchResult, JobStatus, Mode, RowError
from sync.state.history import RunHistory


def history(bench, mode="live"):
    return RunHistory(TABLES, bench.warehouse.dialect, environment=mode)


def failures(bench):
    return bench.rows("select count(*) from analytics_sync.failures")[0][0]


def refuse_whole(bad):
    """A vendor that refuses a request for one bad row of it, and does not say which."""

    def fault(_, records):
        if any(record.key in bad for record in records):
            raise RejectedError("400", code="invalid_request")

    return fault


def people(count):
    return [f"p{number:04}" for number in range(count)]


UNLUCKY = [*range(10), 11, 15, 31, 63, 126]


@pytest.mark.parametrize(
    "places",
    [
        UNLUCKY,
        list(range(0, 253, 17)),
        list(range(238, 253)),
        [0, 126, 252],
        list(range(0, 253, 2)),
    ],
    ids=["unlucky", "spread", "at the end", "few", "half of them"],
)
def test_good_rows_get_through_wherever_the_bad_ones_are(bench, places):
    bench.declare(batch_rows=1000, partial_failure=PartialFailure.ALL_OR_NOTHING)
    keys = people(253)
    bad = {keys[place] for place in places}
    bench.people(*keys)
    bench.destination.fault = refuse_whole(bad)
    result = bench.push()
    assert set(bench.destination.members) == set(keys) - bad == bench.held()
    assert (result.status, result.added, result.failed) == ("partial", 253 - len(bad), len(bad))
    assert {row[0] for row in bench.rows("select sync_key from analytics_sync.failures")} == bad
    assert len(bench.destination.calls) < 2 * 253 + 30


def test_a_search_for_bad_rows_ends_and_goes_on_in_the_next_push(bench, monkeypatch):
    from sync.engine.push import sender

    monkeypatch.setattr(sender, "SEARCH", 60)
    bench.declare(batch_rows=1000, partial_failure=PartialFailure.ALL_OR_NOTHING)
    keys = people(200)
    bad = set(keys[::9])
    bench.people(*keys)
    bench.destination.fault = refuse_whole(bad)
    held = []
    for _ in range(12):
        before = len(bench.destination.calls)
        bench.push()
        assert len(bench.destination.calls) - before <= 60 + 25
        held.append(len(bench.held()))
    assert held[0] < held[-1] == 200 - len(bad)


@pytest.mark.parametrize("code", ["new_code", None])
def test_a_batch_refused_whole_and_alike_is_no_rows_fault(workbench, code):
    """What an unknown code means, nobody knows: an expired token refuses every row in the same words."""
    bench = workbench(quarantine_after=2)
    bench.declare(batch_rows=100, partial_failure=PartialFailure.ALL_OR_NOTHING)
    bench.people(*people(71))

    def refused(*_):
        raise RejectedError("400", code=code)

    bench.destination.fault = refused
    for _ in range(4):
        result = bench.push()
        assert (result.status, result.failed) == ("failed", 71)
        assert exit_code([result]) == 1
        assert result.counts.withheld == {}
    assert failures(bench) == 0
    bench.destination.fault = None
    result = bench.push()
    assert (result.status, len(bench.held())) == ("success", 71), "all are sent once it is mended"


def test_a_single_row_refused_with_its_request_by_no_known_code_begins_no_count(workbench):
    bench = workbench(quarantine_after=2)
    bench.people("a")

    def refused(*_):
        raise RejectedError("400")

    bench.destination.fault = refused
    for _ in range(4):
        assert bench.push().counts.withheld == {}
    assert failures(bench) == 0


def test_rows_that_a_vendor_names_all_alike_begin_no_count(workbench):
    bench = workbench(quarantine_after=2)
    bench.people("a", "b", "c")
    bench.destination.fault = lambda _, records: [RowError(r.key, "E1", "no") for r in records]
    for _ in range(3):
        result = bench.push()
    assert (result.status, failures(bench)) == ("failed", 0)
    assert "E1" in result.message


def test_a_count_that_has_begun_goes_on_when_only_bad_rows_are_left(workbench):
    bench = workbench(quarantine_after=3)
    bench.people("a", "b", "c")
    bench.destination.fault = lambda _, records: [
        RowError(r.key, "E1", "no") for r in records if r.key != "a"
    ]
    for _ in range(3):
        bench.push()
    result = bench.push()
    assert (result.status, result.counts.withheld) == ("partial", {"quarantined": 2})


VERDICTS = Verdicts(
    {
        (None, "190"): Verdict(Fault.AUTH, "renew it"),
        (None, "80003"): Verdict(Fault.WAIT),
        (None, "2650"): Verdict(Fault.CONFIGURATION, "look"),
        (None, "33"): Verdict(Fault.GONE),
        (None, "invalid"): Verdict(Fault.ROW),
    }
)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("190", AuthError),
        ("80003", RateLimitedError),
        ("2650", MisconfiguredError),
        ("33", GoneError),
    ],
)
@pytest.mark.parametrize("named", [True, False], ids=["row by row", "request"])
def test_what_is_no_rows_fault_is_booked_on_none_and_stops_the_sync(workbench, code, error, named):
    from sync.destinations.answers import raised

    bench = workbench(quarantine_after=1)
    bench.declare(batch_rows=10)
    bench.destination.declaration = replace(bench.declaration, verdicts=VERDICTS)
    bench.people(*people(71))

    def refused(_, records):
        if named:
            return [RowError(record.key, code, "no") for record in records]
        raise raised(VERDICTS.find(400, [code]), "memory", "400")

    bench.destination.fault = refused
    for _ in range(3):
        calls = len(bench.destination.calls)
        result = bench.push()
        assert isinstance(result.error, error)
        assert (result.status, result.failed, exit_code([result])) == ("failed", 71, 1)
        assert len(bench.destination.calls) - calls <= 4 * 3, "nobody else is tried"
    assert failures(bench) == 0
    bench.destination.fault = None
    assert bench.push().status == "success"
    assert len(bench.held()) == 71


def test_rows_that_met_a_limit_go_again_in_the_same_push(bench):
    bench.declare(batch_rows=10)
    bench.destination.declaration = replace(bench.declaration, verdicts=VERDICTS)
    bench.people(*people(10))
    bench.destination.fault = lambda number, records: [
        RowError(record.key, "80003", "slow") for record in records[2:] if number < 3
    ]
    result = bench.push()
    assert (result.status, result.added, failures(bench)) == ("success", 10, 0)


def test_a_limit_that_lasts_longer_than_a_push_is_left_to_the_next(bench, monkeypatch):
    from sync.engine.retry import Retrier

    monkeypatch.setattr(Retrier, "_sleep", lambda *_: pytest.fail("waited"))
    bench.people("a")

    def refused(*_):
        raise RateLimitedError("477", retry_after_seconds=86_400)

    bench.destination.fault = refused
    assert bench.push().status == "failed"
    assert len(bench.destination.calls) == 1


def test_a_batch_that_stops_halfway_keeps_what_was_taken_and_goes_on(bench):
    """A vendor of a row a request: the third row met an error, the rest was never sent."""
    bench.declare(batch_rows=10)
    bench.people(*people(8))
    upsert, stops = bench.destination.upsert, [TransientError("503"), AuthError("401")]

    def halting(records):
        if not stops:
            return upsert(records)
        taken = upsert(records[:2])
        unsent = [record.key for record in records[3:]]
        return BatchResult(taken.accepted, error=stops.pop(0), unsent=unsent)

    bench.destination.upsert = halting
    result = bench.push()
    assert (result.status, result.added, result.failed) == ("partial", 4, 4)
    assert isinstance(result.error, AuthError)
    assert failures(bench) == 0
    assert bench.push().status == "success"
    assert len(bench.held()) == 8


# -- jobs ------------------------------------------------------------------------------------------


def in_jobs(bench, answer):
    """Each batch is a job; `answer` is what it says of its keys."""
    jobs = {}

    def job(records):
        jobs[f"job-{len(jobs)}"] = [record.key for record in records]
        return f"job-{len(jobs) - 1}"

    bench.destination.job_rows = job
    bench.destination.poll = lambda name: answer(jobs[name])
    return jobs


def test_a_job_that_refuses_some_and_names_nobody_leaves_the_rest_open(bench):
    bench.declare(batch_rows=1000, partial_failure=PartialFailure.BY_POLLING)
    keys = people(253)
    bad = {keys[place] for place in (3, 50, 51, 200, 252)}
    bench.people(*keys)
    in_jobs(
        bench,
        lambda job: JobStatus(
            done=True, failed_count=len(bad & set(job)), total_count=len(job),
            taken_count=len(set(job) - bad),
        ),
    )  # fmt: skip
    result = bench.push()
    assert result.status == "partial"
    assert bench.held() == set(keys) - bad
    assert {row[0] for row in bench.rows("select sync_key from analytics_sync.failures")} == bad


WRONG_SUMS = {
    "always five, whatever was sent": lambda job: JobStatus(done=True, failed_count=5),
    "fewer rows than it was given": lambda job: JobStatus(done=True, total_count=len(job) - 1),
    "more rows than it was given": lambda job: JobStatus(done=True, total_count=len(job) + 1),
    "a row is lost": lambda job: JobStatus(
        done=True, total_count=len(job), taken_count=len(job) - 1, failed_count=0
    ),
    "more taken than it was given": lambda job: JobStatus(
        done=True, total_count=len(job), taken_count=len(job) + 2, failed_count=0
    ),
    "taken and refused are more than all": lambda job: JobStatus(
        done=True,
        total_count=len(job),
        taken_count=len(job) + 1,
        failed_count=1,
        failed=[RowError(job[0], "x", "x")],
    ),
    "it names more than it counts": lambda job: JobStatus(
        done=True, failed_count=0, failed=[RowError(key, "x", "x") for key in job[:1]]
    ),
    "a negative count": lambda job: JobStatus(done=True, failed_count=-1),
}


@pytest.mark.parametrize("sums", WRONG_SUMS)
def test_a_job_whose_sums_do_not_agree_is_no_success(bench, sums):
    bench.declare(batch_rows=20, partial_failure=PartialFailure.BY_POLLING)
    bench.people(*people(12))
    jobs = in_jobs(bench, WRONG_SUMS[sums])
    result = bench.push()
    assert result.status != "success"
    assert len(jobs) < 200
    assert exit_code([result]) == 1


def test_names_of_rows_that_the_job_was_not_given_do_not_make_its_sum(bench):
    bench.declare(batch_rows=20, partial_failure=PartialFailure.BY_POLLING)
    bench.people(*people(4))
    in_jobs(
        bench,
        lambda job: JobStatus(
            done=True, failed=[RowError("somebody else", "x", "x")],
            failed_count=1 if people(4)[2] in job else 0,
        ),
    )  # fmt: skip
    result = bench.push()
    assert (result.added, result.failed) == (3, 1)
    assert people(4)[2] not in bench.held()


def test_a_job_that_fails_whole_for_some_of_its_rows_keeps_no_good_row_out(bench):
    bench.declare(batch_rows=100, partial_failure=PartialFailure.BY_POLLING)
    keys = people(60)
    bad = {keys[7], keys[8], keys[44]}
    bench.people(*keys)
    in_jobs(
        bench, lambda job: JobStatus(done=True, all_failed="bad file" if bad & set(job) else None)
    )
    result = bench.push()
    assert (result.added, result.failed) == (57, 3)
    assert bench.held() == set(keys) - bad


def test_a_job_that_fails_whole_for_the_account_is_booked_on_nobody(workbench):
    bench = workbench(quarantine_after=1)
    bench.declare(batch_rows=100, partial_failure=PartialFailure.BY_POLLING)
    bench.destination.declaration = replace(bench.declaration, verdicts=VERDICTS)
    bench.people(*people(60))
    jobs = in_jobs(bench, lambda _: JobStatus(done=True, all_failed="2650"))
    result = bench.push()
    assert isinstance(result.error, MisconfiguredError)
    assert (len(jobs), failures(bench)) == (1, 0)


# -- at most once ----------------------------------------------------------------------------------


@pytest.fixture
def once(workbench):
    bench = workbench(mode=Mode.EVENT, delivery="at_most_once")
    bench.declare(delivery=Delivery.AT_LEAST_ONCE, batch_rows=3)
    bench.people(*people(12))
    return bench


def test_events_that_reached_nobody_go_again(once):
    """The port closes in mid-run: what was surely not sent is not lost."""
    numbers = itertools.count()

    def closed(*_):
        if next(numbers) >= 2:
            raise UnsentError("refused")

    once.destination.fault = closed
    result = once.push()
    assert (result.status, result.added) == ("partial", 6)
    assert failures(once) == 0
    once.destination.fault = None
    assert once.push().status == "success"
    sent = [event.key for event in once.destination.events]
    assert sorted(sent) == people(12), "each once"


def test_a_refused_connection_is_tried_again_within_the_push(once):
    once.destination.fault = lambda number, _: (
        (_ for _ in ()).throw(UnsentError("refused")) if number in (2, 3) else None
    )
    assert once.push().status == "success"
    assert sorted(event.key for event in once.destination.events) == people(12)


@pytest.mark.parametrize("error", [TransientError, UnexpectedAnswerError])
def test_events_whose_answer_was_lost_are_listed_and_no_push_is_green_for_them(once, error):
    def lost(number, _):
        if number == 2:
            raise error("lost")

    once.destination.fault_after = lost
    result = once.push()
    assert (result.status, result.added, result.failed) == ("partial", 9, 3)
    with once.warehouse.session() as session:
        listed = history(once).failures(session, "memory_people", 99)
    assert [row["status"] for row in listed] == ["unknown"] * 3
    once.destination.fault_after = None
    for _ in range(2):
        result = once.push()
        assert (result.status, exit_code([result])) == ("partial", 1)
        assert "3 events" in result.message
    assert len(once.destination.events) == 12, "none is repeated"
    with once.warehouse.session(write=True) as session:
        session.execute(history(once).retry("memory_people"))
    assert once.push().status == "partial", "they are not sent twice for that"
    assert len(once.destination.events) == 12
    with once.warehouse.session(write=True) as session:
        session.execute(history(once).dismiss("memory_people"))
    assert once.push().status == "success"
    with once.warehouse.session(write=True) as session:
        session.execute(history(once).retry("memory_people"))
    assert once.push().status == "success", "what was looked at stays so"
    assert len(once.destination.events) == 12


def test_of_a_batch_that_stops_halfway_only_the_row_without_an_answer_is_unknown(once):
    once.declare(delivery=Delivery.AT_LEAST_ONCE, batch_rows=12)
    send, stops = once.destination.send, [TransientError("reset")]

    def halting(records):
        if not stops:
            return send(records)
        taken = send(records[:4])
        unsent = [record.key for record in records[5:]]
        return BatchResult(taken.accepted, error=stops.pop(), unsent=unsent)

    once.destination.send = halting
    result = once.push()
    assert (result.added, result.failed) == (11, 1)
    rows = once.rows("select sync_key, status from analytics_sync.failures")
    assert rows == [(people(12)[4], "unknown")]


def test_events_of_a_process_that_died_are_listed_too(once):
    """They were claimed, and no answer ever came: at most once means that they are not sent again."""

    def killed(number, _):
        if number == 1:
            raise Killed

    once.people("a", "b")
    once.destination.fault_after = killed
    with once.killable(), pytest.raises(Killed):
        once.push()
    once.destination.fault_after = None
    with duckdb.connect(str(once.path)) as connection:
        dead = f"{socket.gethostname()}/4999999.1/run"
        connection.execute("update analytics_sync.leases set owner = ?", [dead])
    once.people("a", "b", "c")
    result = once.push()
    assert (result.status, result.added) == ("partial", 1)
    rows = once.rows("select sync_key, status from analytics_sync.failures order by 1")
    assert rows == [("a", "unknown"), ("b", "unknown")]
    assert [event.key for event in once.destination.events] == ["a", "b", "c"]


# -- left behind -----------------------------------------------------------------------------------


@pytest.fixture
def quarantined(workbench):
    bench = workbench(quarantine_after=1, guards=Guards(min_rows=0, max_removals_percent=None))
    bench.people("a", "b")
    bench.destination.fault = lambda _, records: [
        RowError(r.key, "E1", "no") for r in records if r.key == "b"
    ]
    bench.push()
    return bench


def summary(bench):
    from sync.warehouses.base import now_utc

    with bench.warehouse.session() as session:
        return history(bench).summary(session, "memory_people", now_utc())


def test_no_push_is_green_while_somebody_is_quarantined(quarantined):
    for _ in range(3):
        result = quarantined.push()
        assert (result.status, exit_code([result])) == ("partial", 1)
    quarantined.people("a", "b", "c")
    result = quarantined.push()
    assert (result.status, result.added, exit_code([result])) == ("partial", 1, 1)
    found = summary(quarantined)
    assert (found["status"], found["left_behind"], found["quarantined"]) == ("partial", 1, 1)


def test_who_was_looked_at_stays_out_and_the_push_is_green(quarantined):
    with quarantined.warehouse.session(write=True) as session:
        session.execute(history(quarantined).dismiss("memory_people"))
        session.execute(history(quarantined).dismiss("memory_people"))
    result = quarantined.push()
    assert (result.status, result.counts.withheld) == ("success", {"dismissed": 1})
    assert (summary(quarantined)["left_behind"], summary(quarantined)["failing"]) == (0, 0)
    assert "b" not in quarantined.destination.members
    quarantined.people("a", "b", score=2)  # another row of the same person
    quarantined.push()
    assert quarantined.push().status == "partial", "what changed and fails again is another matter"


def test_who_is_sent_again_and_taken_makes_the_push_green(quarantined):
    quarantined.destination.fault = None
    with quarantined.warehouse.session(write=True) as session:
        session.execute(history(quarantined).retry("memory_people"))
    assert quarantined.push().status == "success"
    assert quarantined.held() == {"a", "b"}


def test_who_left_the_table_is_left_behind_by_nobody(quarantined):
    quarantined.people("a")
    assert quarantined.push().status == "success"


def test_batches_side_by_side_stop_when_the_account_is_wrong(bench):
    bench.declare(batch_rows=1)
    bench.people(*people(40))
    lock = threading.Lock()

    def gone(*_):
        with lock:
            raise GoneError("404")

    bench.destination.fault = gone
    result = bench.push()
    assert (result.status, result.failed, failures(bench)) == ("failed", 40, 0)
    assert len(bench.destination.calls) < 12


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("rate_limit_exceeded", RateLimitedError),
        ("TooManyRequests", RateLimitedError),
        ("Throttling", RateLimitedError),
        ("access_token_expired", AuthError),
        ("UNAUTHENTICATED", AuthError),
        ("invalid_token", RejectedError),
        ("limit_exceeded", RejectedError),
        ("invalid_email", RejectedError),
    ],
)
def test_a_code_that_speaks_of_the_vendor_is_no_rows_fault_though_no_table_has_it(code, error):
    assert type(Verdicts().error("hook", "hook: answered 400", 400, [code])) is error
    told = Verdicts({(400, code): Verdict(Fault.ROW)})
    assert type(told.error("hook", "hook: answered 400", 400, [code])) is RejectedError
