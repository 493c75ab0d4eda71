"""What belongs to another record at the vendor: a failed row that says so, or a row that goes without it, and is counted."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import pytest
from workbench import MemoryDestination

from sync.config.definitions import parse_definition
from sync.config.models import Model
from sync.errors import ConfigError, RejectedError
from sync.records import RowError

COLUMNS = "profile_id varchar, email varchar, phone varchar, row_hash varchar"


class Mailer(MemoryDestination):
    """Profiles that have a number each; +49 is another profile's."""

    whole = False

    def __init__(self) -> None:
        super().__init__()
        self.fault = self.refuse

    def refuse(self, _, records):
        found = [one.key for one in records if one.identifiers.get("phone") == "+49"]
        if found and self.whole:
            raise RejectedError("mailer: POST answered 409.", code="duplicate", known=True)
        return [RowError(key, "duplicate", "Conflict.") for key in found]


@pytest.fixture
def bench(workbench):
    return made(workbench)


def made(workbench, *left_out):
    bench = workbench(identifiers=("email", "phone"))
    bench.definition = replace(bench.definition, left_out_on_conflict=left_out)
    bench.destination = Mailer()
    bench.declare(conflicts={"duplicate": ("phone",)})
    return bench


def table(bench, *rows):
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(f"create or replace table sync_memory ({COLUMNS})")
        for key, phone, *email in rows:
            address = email[0] if email else f"{key}@shop.example"
            connection.execute(
                "insert into sync_memory values (?, ?, ?, md5(?))",
                [key, address, phone, f"{key}{phone}"],
            )


def push(bench):
    return bench.push(allow_removals=True, allow_additions=True)


def test_a_row_fails_with_the_reason(bench):
    table(bench, ("ada", "+49"), ("ben", "+1"))
    result = push(bench)
    assert (result.status, result.added, result.failed) == ("partial", 1, 1)
    said = bench.rows("select sync_key, status, message from analytics_sync.failures")
    assert said == [("ada", "duplicate", "the row's phone is another record's at Memory")]


def test_rows_that_all_conflict_are_rows_all_the_same(bench):
    """It is no fault of the request, of which nobody would ever be told which person it is."""
    table(bench, ("ada", "+49"), ("ben", "+49"))
    assert push(bench).failed == 2
    assert bench.rows("select sum(attempts) from analytics_sync.failures") == [(2,)]


@pytest.mark.parametrize("whole", [False, True], ids=["told by row", "the whole request refused"])
def test_a_row_goes_without_it_where_the_sync_says_so(workbench, whole):
    bench = made(workbench, "phone")
    bench.destination.whole = whole
    table(bench, ("ada", "+49"), ("ben", "+1"))
    result = push(bench)
    assert (result.status, result.added, dict(result.left_out)) == ("success", 2, {"phone": 1})
    assert result.warnings == ["1 row went without phone, which is another record's there"]
    assert dict(bench.destination.members["ada"].identifiers) == {"email": "ada@shop.example"}
    assert bench.rows("select message from analytics_sync.runs") == [(result.warnings[0],)]


def test_the_ledger_knows_what_a_row_was_taken_with(workbench):
    """Who leaves later is not looked for by a number that is somebody else's there."""
    bench = made(workbench, "phone")
    table(bench, ("ada", "+49"), ("ben", "+1"))
    push(bench)
    held = dict(bench.rows("select sync_key, identifiers from analytics_sync.ledger"))
    assert json.loads(held["ada"]) == {"email": "ada@shop.example"}
    assert json.loads(held["ben"]) == {"email": "ben@shop.example", "phone": "+1"}
    assert push(bench).counts.to_send == 0
    table(bench, ("ben", "+1"))
    gone = []
    bench.destination.fault = lambda _, records: gone.extend(records)
    push(bench)
    assert [dict(one.identifiers) for one in gone] == [{"email": "ada@shop.example"}]


def test_a_row_that_has_nothing_else_fails(workbench):
    bench = made(workbench, "phone")
    table(bench, ("ada", "+49", None), ("ben", "+1"))
    result = push(bench)
    assert (result.status, result.failed, dict(result.left_out)) == ("partial", 1, {})


@pytest.mark.parametrize(
    ("left_out", "said"),
    [("email", "does not say of email"), ("fax", "does not say of fax")],
)
def test_a_vendor_that_does_not_tell_is_no_vendor_for_it(workbench, left_out, said):
    bench = made(workbench, left_out)
    table(bench, ("ada", "+1"))
    result = push(bench)
    assert result.status == "refused"
    assert said in str(result.error)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"on_conflict": {"phone": "drop"}}, "on_conflict.phone wants leave_out"),
        ({"on_conflict": {"phone": "leave_out"}, "mode": "event"}, "modes that write records"),
    ],
)
def test_a_wrong_setting_is_said(told, said):
    with pytest.raises(ConfigError, match=said):
        parsed(**told)


def test_the_setting_is_read():
    assert parsed(on_conflict={"phone": "leave_out"}).left_out_on_conflict == ("phone",)


def parsed(**told):
    meta = {
        "destination": "memory",
        "object": {"list": "People"},
        "mode": "mirror",
        "key": ["profile_id"],
        "identifiers": ["email", "phone"],
    }
    model = Model("model.x.sync_memory", "sync_memory", "t", frozenset())
    return parse_definition(name="people", meta=meta | told, model=model, path="exposures.yml")
