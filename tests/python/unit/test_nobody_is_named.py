"""No vendor's words, and nobody's address, number or name as a key, in tables, messages, logs, alerts or tracebacks."""

from __future__ import annotations

import duckdb
import pytest
from workbench import Delivery, Killed

from sync.cli.output import Output
from sync.engine.scrub import shown_key
from sync.errors import DestinationError, RejectedError, WarehouseError
from sync.records import Mode, RowError
from sync.state.history import RunHistory
from sync.warehouses.base import now_utc

ADDRESS = "anna.mueller@example.com"
WORDS = "sorry, anna.mueller@example.com at +49 30 1234567 is unknown to us"


def kept(bench):
    """All that is kept of a run but what is there to hold addresses: the ledger and the acknowledgements."""
    tables = ("runs", "batches", "failures", "withheld")
    return str([bench.rows(f"select * from analytics_sync.{name}") for name in tables])


def history(bench):
    return RunHistory(bench.tables, bench.warehouse.dialect, environment="live")


def refuse(status="refused", message="refused"):
    """Refuse all but p9, so that it is the rows' own fault."""
    return lambda _, records: [
        RowError(row.key, status, message) for row in records if row.key != "p9"
    ]


@pytest.fixture
def addressed(workbench):
    """A sync whose keys are addresses, in a column that does not say so."""
    bench = workbench()
    bench.people(ADDRESS, "p1", "p9")
    return bench


@pytest.mark.parametrize(
    "status", [ADDRESS, WORDS, "0301234567", "Mueller", "anna.mueller", "x" * 300]
)
def test_a_vendors_status_is_kept_only_where_it_is_a_code(bench, status):
    bench.table([{"profile_id": "p1", "email": ADDRESS}])
    bench.destination.fault = refuse(status, WORDS)
    assert bench.push().status == "failed"
    ((code, message),) = bench.rows("select status, message from analytics_sync.failures")
    assert code == "refused"
    for text in (ADDRESS, "mueller", "1234567"):
        assert text not in f"{kept(bench)}{message}".casefold()


def test_a_code_is_kept(bench):
    bench.people("p1")
    bench.destination.fault = refuse("INVALID_EMAIL")
    bench.push()
    assert bench.rows("select status from analytics_sync.failures") == [("INVALID_EMAIL",)]


def test_an_address_as_a_key_is_a_mark_wherever_it_is_not_needed(addressed):
    told = []
    addressed.watcher.log = lambda event, **facts: told.append((event, facts))
    addressed.destination.fault = refuse()
    result = addressed.push()
    assert result.failed == 2
    assert ADDRESS not in kept(addressed)
    assert ADDRESS not in f"{told}{result.recorded}{result.message}"
    keys = {row[0] for row in addressed.rows("select sync_key from analytics_sync.failures")}
    assert keys == {"p1", shown_key(ADDRESS, sync="memory_people")}


def test_an_event_that_a_killed_push_left_in_doubt_is_listed_by_its_mark(workbench):
    bench = workbench(mode=Mode.EVENT, delivery="at_most_once")
    bench.declare(delivery=Delivery.AT_LEAST_ONCE)
    bench.people(ADDRESS, "p1")

    def die(_number, _records):
        raise Killed

    bench.destination.fault_after = die
    with pytest.raises(Killed), bench.killable():
        bench.push()
    bench.destination.fault_after = None
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("delete from analytics_sync.leases")
    assert bench.push().status == "partial"
    assert ADDRESS not in kept(bench)
    with bench.warehouse.session() as session:
        listed = history(bench).failures(session, "memory_people", 9)
    assert [(row["sync_key"][0], row["status"]) for row in listed] == [
        ("#", "unknown"),
        ("p", "unknown"),
    ]
    with bench.warehouse.session(write=True) as session:
        session.execute(history(bench).dismiss("memory_people"))
    assert bench.push().status == "success"
    assert len(bench.destination.events) == 2


def test_such_a_row_is_counted_quarantined_freed_and_healed_like_any_other(addressed):
    addressed.destination.fault = refuse()
    for _ in range(5):
        addressed.push()
    assert addressed.plan().counts.withheld == {"quarantined": 2}
    with addressed.warehouse.session(write=True) as session:
        found = history(addressed).summary(session, "memory_people", now_utc())
        assert (found["failing"], found["quarantined"]) == (2, 2)
        session.execute(history(addressed).retry("memory_people"))
    addressed.destination.fault = None
    assert addressed.push().added == 2
    with addressed.warehouse.session() as session:
        assert history(addressed).failures(session, "memory_people", 10) == []


@pytest.mark.parametrize("key", ["name", "email", "phone_number"])
def test_a_key_that_is_called_personal_is_one(key):
    assert shown_key("miller", sync="x", columns=[key]).startswith("#")


@pytest.mark.parametrize(
    "key", [ADDRESS, "anna%40example.com", "+4930123456", "0301234567", "Anna Mueller", "m\u00fcller",
            "030-1234567", "p1|anna@example.com", "a" * 64],
)  # fmt: skip
def test_what_names_somebody_is_a_mark(key):
    shown = shown_key(key, sync="x", columns=["profile_id"])
    assert shown.startswith("#")
    assert shown == shown_key(shown, sync="x", columns=["profile_id"])
    assert shown != shown_key(key, sync="y", columns=["profile_id"])


@pytest.mark.parametrize(
    "key", ["p1", "6123456789012", "123e4567-e89b-12d3-a456-426614174000", "a" * 32, "2026-11-28|p1",
            "003Ab00000XyZ12IAB", "cust_00012345", "order-2026-000123", "", "7"],
)  # fmt: skip
def test_an_id_is_shown(key):
    assert shown_key(key, sync="x", columns=["email_id"]) == key


@pytest.mark.parametrize("key", [ADDRESS, "Anna Mueller", "+49 30 1234567"])
def test_a_repeated_key_is_named_by_its_mark(bench, key):
    bench.people(key, key, "p1", "p1")
    result = bench.push()
    assert result.error.reason == "duplicate_key"
    assert key not in f"{result.message}{kept(bench)}"
    assert "p1" in result.message
    assert shown_key(key, sync="memory_people") in result.message


def test_what_ends_a_run_is_told_without_a_vendors_words(bench):
    def fail(number, records):
        raise RejectedError(f"memory: POST answered 400 (2650). {WORDS}")

    bench.declare(batch_rows=100)
    bench.people(*(f"p{number}" for number in range(40)))
    bench.destination.credentials_error = DestinationError(f"memory: 403. {WORDS}")
    result = bench.push()
    assert ADDRESS not in f"{result.message}{result.recorded}{kept(bench)}"
    bench.destination.credentials_error = None
    bench.destination.fault = fail
    bench.push()
    assert ADDRESS not in kept(bench)
    assert "400 (2650)" in kept(bench)


def chained():
    """An error of ours, of one of the warehouse's, of a bug that quotes a row."""
    try:
        try:
            {}[ADDRESS]
        except KeyError as bug:
            raise ValueError(f"Could not convert string 'Anna Mueller' of {ADDRESS}") from bug
    except ValueError as words:
        raise WarehouseError(f"DuckDB: Could not convert string 'Anna Mueller', {WORDS}") from words


@pytest.mark.parametrize("way", ["trace", "error", "bug", "refusal", "log", "json"])
def test_nothing_that_is_shown_quotes_a_row(capsys, way):
    output = Output()
    try:
        chained()
    except WarehouseError as error:
        match way:
            case "trace":
                output.trace(error)
            case "error":
                output.error(error, debug=True)
            case "bug":
                output.bug(error, debug=True)
            case "refusal":
                output.refusal(error.message, None)
            case _:
                output.logs_json = way == "json"
                output.log("not_recorded", {"sync": "x", "message": error.message})
    said = capsys.readouterr()
    shown = (said.out + said.err).replace("{ADDRESS}", "").replace("'Anna Mueller' of", "")
    shown = shown.replace("'Anna Mueller', {WORDS}", "")  # the lines of this file
    for text in (ADDRESS, "Mueller", "1234567"):
        assert text not in shown
    assert "DuckDB: Could not convert string [value]" in shown
    if way in ("trace", "error", "bug"):
        for name in ("KeyError", "ValueError", "WarehouseError", "test_nobody_is_named.py"):
            assert name in shown
