"""What was delivered is what was meant: what a stand-in holds equals the rows that were sent, field by field, for every row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import duckdb
import pytest

from headwater.testing.suite import differences
from sync.destinations import registry
from sync.records import Record

from . import content
from .conftest import Bench, settled
from .content import EVENTS, NAME, RECORDS, Content, Held, idempotency_key

ROWS = 660  # more than half a thousand, so that half a batch is not enough


def cases(every: Iterable[Content]) -> list[Any]:
    """A parameter for each case, of which a vendor's variants are long."""
    return [
        pytest.param(case, id=str(case), marks=() if case.is_example else pytest.mark.long)
        for case in every
    ]


def records(case: Content, numbers: Iterable[int], *, shift: int = 0) -> list[Record]:
    """Rows by number; with `shift`, the same people with other values."""
    return [
        Record(
            f"k{number:05d}",
            case.identifiers(number),
            case.fields(number + shift),
            idempotency_key=idempotency_key(number),
        )
        for number in numbers
    ]


def expected(case: Content, numbers: Iterable[int], *, shift: int = 0) -> Held:
    held: Held = {}
    for number in numbers:
        more = (number,) if case in EVENTS else ()
        row = (f"k{number:05d}", case.identifiers(number), case.fields(number + shift))
        held |= case.expected(*row, *more)
    return held


@pytest.fixture
def made(bench: Bench) -> Any:
    """A destination of a case, at a vendor that has another object of the kind already."""

    def of(case: Content) -> Any:
        if case.another:
            store = bench.store()
            store.object_id(case.kind, case.another, "Another")
            store.close()
        destination = bench.destination(case.kind, case.object_kind, **dict(case.settings))
        if case.needs:
            case.needs(bench.url(case.kind), records(case, range(ROWS)))
        return destination

    return of


def send(destination: Any, rows: list[Record], verb: str = "upsert") -> dict[str, str | None]:
    """Ids at the vendor of what was taken, which is all, in batches as the engine cuts them."""
    able = destination.declaration.objects[destination.target.kind]
    taken: dict[str, str | None] = {}
    for start in range(0, len(rows), able.batch_rows):
        batch = rows[start : start + able.batch_rows]
        result = settled(destination, getattr(destination, verb)(batch))
        assert not result.failed
        assert [row.key for row in result.accepted] == [row.key for row in batch]
        taken |= {row.key: row.remote_id for row in result.accepted}
    return taken


@pytest.mark.parametrize("case", cases(RECORDS))
def test_every_row_is_held_field_by_field(bench: Bench, made: Any, case: Content) -> None:
    send(made(case), records(case, range(ROWS)))
    assert differences(case.held(bench.directory), expected(case, range(ROWS))) == []


@pytest.mark.parametrize("case", cases(RECORDS))
def test_what_changed_is_held_as_it_is_now(bench: Bench, made: Any, case: Content) -> None:
    destination = made(case)
    send(destination, records(case, range(30)))
    send(destination, records(case, range(10, 40), shift=1000))
    wanted = expected(case, range(10)) | expected(case, range(10, 40), shift=1000)
    assert differences(case.held(bench.directory), wanted) == []


@pytest.mark.parametrize("known", [True, False], ids=["by its id there", "by what was sent"])
@pytest.mark.parametrize("case", cases(RECORDS))
def test_who_is_taken_out_is_out_and_nobody_else(
    bench: Bench, made: Any, case: Content, known: bool
) -> None:
    destination = made(case)
    rows = records(case, range(40))
    ids = send(destination, rows)
    leaving = [
        Record(row.key, row.identifiers, {}, ids[row.key] if known else None) for row in rows[7:29]
    ]
    send(destination, leaving, "remove")
    left = expected(case, [*range(7), *range(29, 40)])
    held = case.held(bench.directory)
    if case.kind == "onesignal":  # users stay; whose tag is gone is out
        held = {key: user for key, user in held.items() if NAME in user["tags"]}
    assert differences(held, left) == []


@pytest.mark.parametrize("case", cases(EVENTS))
def test_every_event_is_kept_with_its_name_its_time_and_its_person(
    bench: Bench, made: Any, case: Content
) -> None:
    send(made(case), records(case, range(200)), "send")
    assert differences(case.held(bench.directory), expected(case, range(200))) == []


WITH_IDS = ("klaviyo-list", "klaviyo-profile", "hubspot-contact", "hubspot-company", "hubspot-list")


@pytest.mark.parametrize(
    ("case", "table"),
    [
        (case, {"klaviyo": "profiles", "hubspot": "companies" if "company" in str(case) else "contacts"}[case.kind])
        for case in RECORDS
        if str(case) in WITH_IDS
    ],
    ids=str,
)  # fmt: skip
def test_the_id_that_is_kept_is_the_one_the_vendor_has(
    bench: Bench, made: Any, case: Content, table: str
) -> None:
    """A removal by another id would take out somebody else."""
    destination = made(case)
    ids = send(destination, records(case, range(20)))
    unique = {"profiles": "external_id", "contacts": "email", "companies": "headwater_account_id"}
    held = {
        row[unique[table]]: member
        for member, row in content._of(bench.directory, case.kind, table).items()
    }
    names = {f"k{n:05d}": case.identifiers(n).get("email", "") for n in range(20)}
    for key, remote_id in ids.items():
        if remote_id is not None:
            assert held[names[key] if table == "contacts" else key] == remote_id


FILES = next(case for case in RECORDS if case.kind == "files")


def whole(bench: Bench, layout: str, numbers: range) -> Any:
    """A table that was written whole, in batches."""
    destination = bench.destination("files", "table", format=layout)
    rows = records(FILES, numbers)
    destination.begin("run", ["email", "phone", *FILES.fields(0)])
    for start in range(0, len(rows), 100):
        batch = rows[start : start + 100]
        assert [row.key for row in destination.write(batch).accepted] == [row.key for row in batch]
    destination.commit()
    return bench.directory / "files" / f"Lapsed_buyers.{layout}"


def test_a_table_of_json_lines_is_the_rows(bench: Bench) -> None:
    path = whole(bench, "jsonl", range(250))
    held = {row["key"]: row for row in map(json.loads, path.read_text().splitlines())}
    assert differences(held, expected(FILES, range(250))) == []


def test_a_csv_table_is_the_rows(bench: Bench) -> None:
    def cell(value: Any) -> str:
        if isinstance(value, list | dict):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return content._text(value)

    path = whole(bench, "csv", range(250))
    assert path.read_text().splitlines()[0].split(",") == [
        "key", "email", "phone", *FILES.fields(0),
    ]  # fmt: skip
    held = {row["key"]: row for row in content.csv_rows(path)}
    columns = ["key", "email", "phone", *FILES.fields(0)]
    wanted = {
        key: {name: cell(row.get(name)) for name in columns}
        for key, row in expected(FILES, range(250)).items()
    }
    assert differences(held, wanted) == []


def test_a_parquet_table_is_the_rows(bench: Bench) -> None:
    path = whole(bench, "parquet", range(250))
    found = duckdb.sql(f"select * from '{path}'")
    held = {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.fetchall()}
    for row in held.values():  # lists and objects are JSON text
        row |= {name: json.loads(row[name]) for name in ("tags", "size")}
    wanted = {
        row.key: {"key": row.key, "email": None, "phone": None, **row.identifiers, **row.fields}
        for row in records(FILES, range(250))
    }
    assert differences(held, wanted) == []


def test_events_in_files_say_what_they_are(bench: Bench) -> None:
    destination = bench.destination("files", "event", format="jsonl")
    send(destination, records(FILES, range(50)), "send")
    lines = content.jsonl(bench.directory)
    assert {row["_action"] for row in lines} == {"event"}
    assert [row["_key"] for row in lines] == [f"k{number:05d}" for number in range(50)]
    assert [row["_idempotency_key"] for row in lines] == [idempotency_key(n) for n in range(50)]
    assert differences(content.logged(bench.directory), expected(FILES, range(50))) == []


def test_every_object_that_a_destination_has_is_in_this_suite() -> None:
    """A new object of a shipped destination lands with its content said."""
    covered = {(case.kind, case.object_kind) for case in [*RECORDS, *EVENTS]}
    offered = {
        (declared.name, kind)
        for declared in map(registry.declaration, registry.BUILT_IN)
        for kind in declared.objects
    }
    assert offered - covered == {("files", "event")}  # above


def test_no_two_rows_of_the_suite_have_a_value_in_common() -> None:
    """Else what is swapped would not show."""
    for case in [*RECORDS, *EVENTS]:
        one, other = case.fields(3), case.fields(4)
        same = {name for name in one.keys() & other.keys() if one[name] == other[name]}
        assert same <= {"cleared"}, str(case)
