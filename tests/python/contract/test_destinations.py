"""What every destination must do, whatever the vendor: one suite over all that are registered."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sync.destinations import registry
from sync.destinations.base import Delivery, PullsResults, RemovesMembers, ReplacesAll, SendsEvents
from sync.errors import AuthError, ConfigError, DestinationError, RateLimitedError, TransientError
from sync.records import CampaignEvent, Mode, Record

from .conftest import SECRET, Bench, objects, records, settled

KEYED = (Mode.UPSERT, Mode.MIRROR, Mode.ADD)
HTTP = [row for row in objects(*Mode) if row.values[0] != "files"]


def offered(kind: str, object_kind: str) -> Any:
    return registry.declaration(kind).objects[object_kind]


def send(destination: Any, rows: list[Record]) -> Any:
    able = destination.declaration.objects[destination.target.kind]
    verb = destination.send if able.modes == {Mode.EVENT} else destination.upsert
    return settled(destination, verb(rows))


def hubspot_members(store: Any, object_kind: str) -> str:
    if object_kind == "list":
        return next((key for _, key, _ in store.objects("hubspot", "list")), "")
    return {"contact": "contacts", "company": "companies"}[object_kind]


def held(bench: Bench, kind: str, object_kind: str, table: str = "members") -> int:
    store = bench.store()
    try:
        if kind in ("klaviyo",) and table == "members":
            lists = [key for _, key, _ in store.objects("klaviyo", "list")]
            return sum(store.count_members("klaviyo", key) for key in lists)
        if kind == "onesignal" and table == "members":
            return sum(
                "Lapsed buyers" in user["tags"]
                for user in store.members("onesignal", "users").values()
            )
        if kind == "hubspot":
            return store.count_members("hubspot", hubspot_members(store, object_kind))
        return int(store.rows(f"select count(*) from {table} where vendor = ?", kind)[0][0])
    finally:
        store.close()


@pytest.mark.parametrize(("kind", "object_kind"), objects(*Mode))
def test_a_declaration_says_what_the_class_can_do(
    bench: Bench, kind: str, object_kind: str
) -> None:
    destination = bench.destination(kind, object_kind)
    able = offered(kind, object_kind)
    assert able.batch_rows > 0
    assert able.rate_group in destination.declaration.rate_limits
    assert isinstance(destination, RemovesMembers) or not able.modes & {Mode.MIRROR, Mode.REMOVE}
    assert isinstance(destination, SendsEvents) or Mode.EVENT not in able.modes
    assert isinstance(destination, ReplacesAll) or Mode.REPLACE not in able.modes
    assert isinstance(destination, PullsResults) == destination.declaration.pulls


@pytest.mark.parametrize(("kind", "object_kind"), objects(*Mode))
def test_check_says_what_the_credentials_reach(bench: Bench, kind: str, object_kind: str) -> None:
    assert bench.destination(kind, object_kind).check()


@pytest.mark.parametrize(("kind", "object_kind"), objects(*Mode))
def test_an_empty_batch_asks_nothing_of_the_vendor(
    bench: Bench, kind: str, object_kind: str
) -> None:
    result = send(bench.destination(kind, object_kind), [])
    assert (len(result.accepted), len(result.failed)) == (0, 0)
    assert bench.limited == []


@pytest.mark.parametrize(("kind", "object_kind"), objects(*KEYED, Mode.EVENT))
def test_a_full_batch_is_accepted_row_for_row(bench: Bench, kind: str, object_kind: str) -> None:
    able = offered(kind, object_kind)
    rows = records(able, min(able.batch_rows, 1000))
    result = send(bench.destination(kind, object_kind), rows)
    assert sorted(row.key for row in result.accepted) == sorted(row.key for row in rows)
    assert not result.failed


@pytest.mark.parametrize(("kind", "object_kind"), HTTP)
def test_every_request_waits_for_its_rate_group(bench: Bench, kind: str, object_kind: str) -> None:
    destination = bench.destination(kind, object_kind)
    send(destination, records(offered(kind, object_kind), 3))
    assert bench.limited
    assert set(bench.limited) <= set(destination.declaration.rate_limits)


@pytest.mark.parametrize(("kind", "object_kind"), objects(*Mode))
def test_an_account_is_named_alike_for_ever_and_without_a_secret(
    bench: Bench, kind: str, object_kind: str
) -> None:
    first, again = (bench.destination(kind, object_kind).account() for _ in range(2))
    assert first == again
    assert first
    assert SECRET not in first


@pytest.mark.parametrize(
    ("kind", "object_kind"), [row for row in objects(*KEYED) if row.values[0] != "files"]
)
def test_the_same_push_twice_leaves_each_member_once(
    bench: Bench, kind: str, object_kind: str
) -> None:
    rows = records(offered(kind, object_kind), 20)
    destination = bench.destination(kind, object_kind)
    send(destination, rows)
    send(destination, rows)
    assert held(bench, kind, object_kind) == 20


@pytest.mark.parametrize(
    ("kind", "object_kind"), [row for row in objects(Mode.EVENT) if row.values[0] != "files"]
)
def test_an_event_sent_twice_is_kept_once(bench: Bench, kind: str, object_kind: str) -> None:
    if offered(kind, object_kind).delivery is not Delivery.EXACTLY_ONCE:
        pytest.skip("the vendor keeps no idempotency key, and the declaration says so")
    rows = records(offered(kind, object_kind), 5)
    destination = bench.destination(kind, object_kind)
    send(destination, rows)
    send(destination, rows)
    assert held(bench, kind, object_kind, "events") == 5


@pytest.mark.parametrize(
    ("kind", "object_kind"), [row for row in objects(Mode.MIRROR) if row.values[0] != "files"]
)
def test_what_was_removed_is_gone_and_the_rest_stays(
    bench: Bench, kind: str, object_kind: str
) -> None:
    rows = records(offered(kind, object_kind), 20)
    destination = bench.destination(kind, object_kind)
    ids = {row.key: row.remote_id for row in send(destination, rows).accepted}
    leaving = [Record(row.key, row.identifiers, remote_id=ids[row.key]) for row in rows[:5]]
    result = settled(destination, destination.remove(leaving))
    assert sorted(row.key for row in result.accepted) == [row.key for row in leaving]
    assert held(bench, kind, object_kind) == 15


@pytest.mark.parametrize(("kind", "object_kind"), objects(Mode.MIRROR))
def test_removing_somebody_who_is_not_there_counts_as_done(
    bench: Bench, kind: str, object_kind: str
) -> None:
    absent = [
        Record(row.key, row.identifiers, remote_id="12345")
        for row in records(offered(kind, object_kind), 2, start=900)
    ]
    destination = bench.destination(kind, object_kind)
    result = settled(destination, destination.remove(absent))
    assert len(result.accepted) == 2


@pytest.mark.parametrize(("kind", "object_kind"), HTTP)
def test_a_refused_row_fails_alone(bench: Bench, kind: str, object_kind: str) -> None:
    if (kind, object_kind) in {("google_data_manager", "audience"), ("klaviyo", "event")}:
        pytest.skip("the vendor never says which row it refused")
    bench.faults.shares = {"refuse_rows": 0.5}
    rows = records(offered(kind, object_kind), 40)
    result = send(bench.destination(kind, object_kind), rows)
    accepted, failed = {row.key for row in result.accepted}, {row.key for row in result.failed}
    assert accepted, "half of the rows are good"
    assert failed, "half of the rows are refused"
    assert accepted | failed == {row.key for row in rows}
    assert not accepted & failed


@pytest.mark.parametrize(("kind", "object_kind"), HTTP)
def test_too_many_requests_asks_for_a_pause(bench: Bench, kind: str, object_kind: str) -> None:
    bench.faults.shares = {"429": 1}
    with pytest.raises(RateLimitedError) as caught:
        send(bench.destination(kind, object_kind), records(offered(kind, object_kind), 2))
    assert caught.value.retry_after_seconds == pytest.approx(0.05)


@pytest.mark.parametrize(("kind", "object_kind"), HTTP)
@pytest.mark.parametrize("fault", ["500", "500_after_commit", "reset"])
def test_a_vendor_in_trouble_is_worth_a_retry(
    bench: Bench, kind: str, object_kind: str, fault: str
) -> None:
    bench.faults.shares = {fault: 1}
    with pytest.raises(TransientError):
        send(bench.destination(kind, object_kind), records(offered(kind, object_kind), 2))


@pytest.mark.parametrize(("kind", "object_kind"), HTTP)
def test_expired_credentials_are_said_to_be_so(bench: Bench, kind: str, object_kind: str) -> None:
    bench.faults.shares = {"token_expired": 1}
    with pytest.raises(AuthError) as caught:
        send(bench.destination(kind, object_kind), records(offered(kind, object_kind), 2))
    assert "destinations.yml" in (caught.value.hint or "")


@pytest.mark.parametrize(("kind", "object_kind"), HTTP)
@pytest.mark.parametrize("fault", ["429", "500", "reset", "token_expired"])
def test_errors_and_logs_hold_no_person_and_no_secret(
    bench: Bench, kind: str, object_kind: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench.faults.shares = {fault: 1}
    rows = records(offered(kind, object_kind), 2)
    destination = bench.destination(kind, object_kind)
    with pytest.raises(DestinationError) as caught:
        send(destination, rows)
    said = caplog.text + str(caught.value) + repr(rows) + repr(vars(destination))
    for private in (SECRET, *rows[0].identifiers.values()):
        if private != rows[0].key and len(private) > 5:
            assert private not in said


@pytest.mark.parametrize("kind", [row.name for row in registry.declarations() if row.pulls])
def test_results_pulled_twice_have_the_same_keys(bench: Bench, kind: str) -> None:
    for object_kind, able in registry.declaration(kind).objects.items():
        send(
            bench.destination(kind, object_kind),
            records(able, 200 if able.batch_rows > 100 else 100),
        )
    object_kind = next(iter(registry.declaration(kind).objects))
    destination = bench.destination(kind, object_kind)
    since = dt.datetime(2020, 1, 1)
    first = [repr(row) for row in destination.pull(since)]
    assert first
    assert sorted(first) == sorted(repr(row) for row in destination.pull(since))


@pytest.mark.parametrize("kind", ["klaviyo", "onesignal"])
def test_results_name_the_person_that_was_sent(bench: Bench, kind: str) -> None:
    object_kind = "event" if kind == "klaviyo" else "message"
    able = registry.declaration(kind).objects[object_kind]
    rows = [
        Record(
            row.key,
            row.identifiers,
            {"profile_id": f"person-{row.key}", "message": "Hello"},
            idempotency_key=row.idempotency_key,
        )
        for row in records(able, 60)
    ]
    destination = bench.destination(kind, object_kind)
    send(destination, rows)
    found = [
        row for row in destination.pull(dt.datetime(2020, 1, 1)) if isinstance(row, CampaignEvent)
    ]
    assert {row.recipient_type for row in found} == {"profile_id"}
    assert {"delivered", "clicked"} <= {row.kind for row in found}


@pytest.mark.parametrize("kind", registry.names())
def test_an_unknown_setting_names_the_nearest_and_the_allowed(kind: str) -> None:
    object_kind = next(iter(registry.declaration(kind).objects))
    settings = registry.sandbox_settings(kind, base_url="http://127.0.0.1:1", directory="/nowhere")
    wrong = {**settings, "formatt": "x"}
    with pytest.raises(ConfigError) as caught:
        registry.create(kind, name=kind, settings=wrong, target=records_target(object_kind))
    assert "formatt" in caught.value.message
    assert "takes:" in (caught.value.hint or "")


def records_target(object_kind: str) -> Any:
    from sync.records import SyncObject

    return SyncObject(object_kind, "x")


def test_an_unknown_type_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'klaviyo'"):
        registry.declaration("klavio")


@pytest.mark.parametrize("layout", ["csv", "jsonl", "parquet"])
def test_files_are_replaced_whole_or_not_at_all(bench: Bench, layout: str) -> None:
    able = offered("files", "table")
    folder = bench.directory / "files"
    target = folder / f"Lapsed_buyers.{layout}"
    destination = bench.destination("files", "table", format=layout)
    columns = ["first_name", "lifetime_value_eur"]
    destination.begin("run1", columns)
    destination.write(records(able, 3))
    assert not target.exists(), "readers see nothing before the commit"
    destination.commit()
    before = target.read_bytes()
    destination.begin("run2", columns)
    destination.write(records(able, 2))
    destination.abort()
    assert target.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [target.name]


def test_a_csv_cell_that_is_a_formula_is_defused_and_a_phone_is_not(bench: Bench) -> None:
    destination = bench.destination("files", "table")
    destination.begin("run", ["phone", "name", "note"])
    destination.write([Record("p1", {"phone": "+493012345"}, {"name": "=1+1", "note": "-5"})])
    destination.commit()
    text = (bench.directory / "files" / "Lapsed_buyers.csv").read_text()
    assert "'=1+1" in text
    assert ",+493012345," in text
    assert text.rstrip().endswith(",-5")


def test_the_change_log_of_a_mirror_says_who_left(bench: Bench) -> None:
    destination = bench.destination("files", "table", format="jsonl")
    rows = records(offered("files", "table"), 2)
    destination.upsert(rows)
    destination.remove(rows[:1])
    logged = [
        json.loads(line)
        for path in sorted(Path(bench.directory, "files", "Lapsed_buyers").iterdir())
        for line in path.read_text().splitlines()
    ]
    assert [(row["_action"], row["_key"]) for row in logged] == [
        ("upsert", "p00000"), ("upsert", "p00001"), ("remove", "p00000"),
    ]  # fmt: skip


@pytest.mark.parametrize("sign", list("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"))
def test_every_sign_that_begins_a_formula_is_defused(sign: str) -> None:
    from sync.destinations.writers import _cell

    assert _cell(f"{sign}cmd|x") == f"'{sign}cmd|x"
    assert _cell(f"a{sign}b") == f"a{sign}b"


@pytest.mark.parametrize("layout", ["csv", "jsonl", "parquet"])
def test_a_column_that_is_empty_in_the_first_rows_is_not_lost(bench: Bench, layout: str) -> None:
    destination = bench.destination("files", "table", format=layout)
    destination.begin("run", ["email", "phone", "visits"])
    destination.write([Record("p1", {"email": "a@shop.example"})])
    destination.write([Record("p2", {"phone": "+49301"}, {"visits": 3})])
    destination.commit()
    path = bench.directory / "files" / f"Lapsed_buyers.{layout}"
    rows = duckdb.sql(f"select * from '{path}' order by key").fetchall()
    assert [[str(value or "") for value in row] for row in rows] == [
        ["p1", "a@shop.example", "", ""],
        ["p2", "", "+49301", "3"],
    ]


@pytest.mark.parametrize("layout", ["csv", "parquet"])
def test_an_empty_table_still_has_its_columns(bench: Bench, layout: str) -> None:
    destination = bench.destination("files", "table", format=layout)
    destination.begin("run", ["email", "phone"])
    destination.commit()
    path = bench.directory / "files" / f"Lapsed_buyers.{layout}"
    assert duckdb.sql(f"select * from '{path}'").columns == ["key", "email", "phone"]
