"""What every destination must do, whatever the vendor: one suite over all that are registered."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sync.destinations import registry
from sync.destinations.base import PullsResults, RemovesMembers, ReplacesAll, SendsEvents
from sync.errors import ConfigError
from sync.records import CampaignEvent, Mode, Record, SyncObject

from .conftest import SECRET, Bench, objects, records, settled
from .content import EVENTS, RECORDS

KEYED = (Mode.UPSERT, Mode.MIRROR, Mode.ADD)
HTTP = [row for row in objects(*Mode) if row.values[0] != "files"]


def offered(kind: str, object_kind: str) -> Any:
    return registry.declaration(kind).objects[object_kind]


def send(destination: Any, rows: list[Record]) -> Any:
    able = destination.declaration.objects[destination.target.kind]
    verb = destination.send if able.modes == {Mode.EVENT} else destination.upsert
    return settled(destination, verb(rows))


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


# What goes to those alone who are there already.
GO_TO = {("intercom", "tag"): "contact"}


@pytest.mark.parametrize(("kind", "object_kind"), objects(*KEYED, Mode.EVENT))
def test_a_full_batch_is_accepted_row_for_row(bench: Bench, kind: str, object_kind: str) -> None:
    able = offered(kind, object_kind)
    rows = records(able, min(able.batch_rows, 1000))
    if (kind, object_kind) in GO_TO:
        send(bench.destination(kind, GO_TO[kind, object_kind]), rows)
    needed = [
        case.needs
        for case in [*RECORDS, *EVENTS]
        if (case.kind, case.object_kind) == (kind, object_kind)
    ]
    if needed and needed[0] is not None:
        needed[0](bench.url(kind), rows)
    result = send(bench.destination(kind, object_kind), rows)
    assert sorted(row.key for row in result.accepted) == sorted(row.key for row in rows)
    assert not result.failed


@pytest.mark.parametrize(("kind", "object_kind"), objects(*Mode))
def test_an_account_is_named_alike_for_ever_and_without_a_secret(
    bench: Bench, kind: str, object_kind: str
) -> None:
    first, again = (bench.destination(kind, object_kind).account() for _ in range(2))
    assert first == again
    assert first
    assert SECRET not in first


@pytest.mark.parametrize(("kind", "object_kind"), objects(Mode.MIRROR))
def test_removing_somebody_who_is_not_there_counts_as_done(
    bench: Bench, kind: str, object_kind: str
) -> None:
    absent = [
        Record(row.key, row.identifiers, remote_id="12345")
        for row in records(offered(kind, object_kind), 2, start=900)
    ]
    destination = bench.destination(kind, object_kind)
    there = records(offered(kind, object_kind), 1)
    settled(destination, destination.upsert(there))  # a list that is not there is another matter
    result = settled(destination, destination.remove(absent))
    assert len(result.accepted) == 2


@pytest.mark.parametrize(
    "kind", [row.name for row in map(registry.declaration, registry.shipped()) if row.pulls]
)
def test_results_pulled_twice_have_the_same_keys(bench: Bench, kind: str) -> None:
    for object_kind, able in registry.declaration(kind).objects.items():
        destination = bench.destination(kind, object_kind)
        destination.target = SyncObject(object_kind, f"Lapsed {object_kind}")
        send(destination, records(able, 200 if able.batch_rows > 100 else 100))
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


@pytest.mark.parametrize("kind", registry.shipped())
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


def test_lists_and_objects_in_parquet_are_the_same_whatever_others_hold(bench: Bench) -> None:
    destination = bench.destination("files", "table", format="parquet")
    destination.begin("run", ["tags", "answers", "wants", "late"])
    given: list[list[dict[str, Any]]] = [
        [{"tags": [], "answers": {"a": 1}, "wants": {}}, {"tags": [None], "answers": {"b": "x"}}],
        [{"tags": ["vip", None], "answers": {"c": [1.5, "d"]}, "late": True}, {"late": False}],
    ]
    keys = iter("1234")
    for batch in given:
        destination.write([Record(next(keys), {}, row) for row in batch])
    destination.commit()
    path = bench.directory / "files" / "Lapsed_buyers.parquet"
    rows = duckdb.sql(f"select tags, answers, wants, late from '{path}' order by key").fetchall()
    found = [[None if cell is None else json.loads(cell) for cell in row] for row in rows]
    names = ("tags", "answers", "wants", "late")
    assert found == [[row.get(name) for name in names] for batch in given for row in batch]


def test_an_empty_text_in_csv_is_no_null_and_stays_so_when_others_are_erased(bench: Bench) -> None:
    destination = bench.destination("files", "table", format="csv")
    destination.begin("run", ["note", "name", "visits"])
    long = "x" * 200_000  # a reader of CSV takes less by itself
    texts = {"1": "", "2": None, "3": 'a "q",\r\nb' + long, "4": "gone"}
    destination.write(
        [Record(k, {}, {"note": v, "name": "x", "visits": 0}) for k, v in texts.items()]
    )
    destination.commit()
    path = bench.directory / "files" / "Lapsed_buyers.csv"
    kept = (
        b'key,note,name,visits\r\n1,"",x,0\r\n2,,x,0\r\n3,"a ""q"",\r\nb'
        + long.encode()
        + b'",x,0\r\n'
    )
    assert path.read_bytes() == kept + b"4,gone,x,0\r\n"
    destination.erase([Record("4", {})])
    assert path.read_bytes() == kept


@pytest.mark.parametrize("layout", ["csv", "parquet"])
def test_an_empty_table_still_has_its_columns(bench: Bench, layout: str) -> None:
    destination = bench.destination("files", "table", format=layout)
    destination.begin("run", ["email", "phone"])
    destination.commit()
    path = bench.directory / "files" / f"Lapsed_buyers.{layout}"
    assert duckdb.sql(f"select * from '{path}'").columns == ["key", "email", "phone"]


@pytest.mark.parametrize("object_kind", ["contact", "company", "list"])
def test_hubspot_says_who_is_there_and_makes_nothing(bench: Bench, object_kind: str) -> None:
    rows = records(offered("hubspot", object_kind), 3)
    assert not bench.destination("hubspot", object_kind).there(rows)
    assert bench.store().objects("hubspot", "list") == []

    taken = send(bench.destination("hubspot", object_kind), rows)
    ids = {one.key: one.remote_id for one in taken.accepted}
    sent = [replace(one, remote_id=ids[one.key]) for one in rows]
    everybody = {one.key for one in rows}
    assert set(bench.destination("hubspot", object_kind).there(sent)) == everybody
    assert set(bench.destination("hubspot", object_kind).there(rows)) == everybody
    # Merged with another at the vendor: the id is gone, and the address is not.
    moved = [replace(sent[0], remote_id="404"), *sent[1:]]
    assert set(bench.destination("hubspot", object_kind).there(moved)) == everybody

    kind = "companies" if object_kind == "company" else "contacts"
    bench.store().drop_members("hubspot", kind, [ids[rows[1].key]])
    assert set(bench.destination("hubspot", object_kind).there(sent)) == everybody - {rows[1].key}


def test_hubspot_says_who_is_on_a_list_of_several_pages(bench: Bench) -> None:
    destination = bench.destination("hubspot", "list")
    rows = records(offered("hubspot", "list"), 600)
    for start in range(0, 600, 100):
        destination.upsert(rows[start : start + 100])
    destination.remove(rows[450:451])
    destination = bench.destination("hubspot", "list")
    found = [
        key for start in range(0, 600, 100) for key in destination.there(rows[start : start + 100])
    ]
    assert {one.key for one in rows} - set(found) == {rows[450].key}


def test_klaviyo_says_who_is_on_the_list(bench: Bench) -> None:
    """By the address that a profile has now, and by the number of who has no address; nothing is made."""
    rows = records(offered("klaviyo", "list"), 230)
    rows[0] = replace(rows[0], identifiers={"phone": rows[0].identifiers["phone"]})
    assert not bench.destination("klaviyo", "list").there(rows)
    assert bench.store().objects("klaviyo", "list") == []

    send(bench.destination("klaviyo", "list"), rows)
    everybody = {one.key for one in rows}
    assert set(bench.destination("klaviyo", "list").there(rows)) == everybody

    store = bench.store()
    ids = {one["external_id"]: key for key, one in store.members("klaviyo", "profiles").items()}
    ((_, list_id, _),) = store.objects("klaviyo", "list")
    changed = store.member("klaviyo", "profiles", ids["p00005"]) | {"email": "new@shop.example"}
    store.put_members("klaviyo", "profiles", {ids["p00005"]: changed})
    # Another system has set a key of its own: the address that was sent still finds the profile.
    theirs = store.member("klaviyo", "profiles", ids["p00006"]) | {"external_id": "theirs"}
    store.put_members("klaviyo", "profiles", {ids["p00006"]: theirs})
    # The number of who is not on the list is another's there.
    other = {"phone_number": rows[7].identifiers["phone"]}
    store.put_members("klaviyo", "profiles", {"another": other})
    store.put_members("klaviyo", list_id, {"another": True})
    gone = [ids[rows[number].key] for number in (0, 7, 150)]
    store.drop_members("klaviyo", list_id, gone)
    store.drop_members("klaviyo", "profiles", [ids["p00229"]])
    found = set(bench.destination("klaviyo", "list").there(rows))
    assert everybody - found == {"p00000", "p00007", "p00150", "p00229"}
