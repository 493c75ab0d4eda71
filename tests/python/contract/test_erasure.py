"""How every destination erases people: what it declares it does, and nothing of them stays in the stand-in."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sync.destinations import registry
from sync.destinations.base import ErasesPeople, ObjectType
from sync.records import BatchResult, Mode, Record

from .conftest import Bench, objects, records, settled

ALL = objects(*Mode)
ERASING = [
    one
    for one in ALL
    if one.values[0] != "files" and registry.declaration(str(one.values[0])).erasure.how
]
# What must be there before an object can be filled.
NEEDS = {("intercom", "tag"): "contact", ("intercom", "event"): "contact"}


def offered(kind: str, object_kind: str) -> ObjectType:
    return registry.declaration(kind).objects[object_kind]


def sent(destination: Any, rows: list[Record]) -> BatchResult:
    able = destination.declaration.objects[destination.target.kind]
    verb = destination.send if able.modes == {Mode.EVENT} else destination.upsert
    return settled(destination, verb(rows))


def found(bench: Bench, row: Record) -> list[str]:
    """Where the stand-in has anything of a row: its members and events, the index of a property aside."""
    store = bench.store()
    try:
        texts = [
            *store.rows("select object_id, member_id || ' ' || data from members"),
            *store.rows("select object_id, event_id || ' ' || data from events"),
        ]
    finally:
        store.close()
    shared = ("country", "postal_code")  # of all rows of these tests
    words = {row.key, *(value for name, value in row.identifiers.items() if name not in shared)}
    words |= {hashlib.md5(word.lower().encode()).hexdigest() for word in words}  # Mailchimp's ids
    return [place for place, text in texts if any(word.lower() in text.lower() for word in words)]


@pytest.mark.parametrize("declared", registry.declarations(), ids=lambda one: one.name)
def test_every_destination_says_how_it_erases_people_or_why_it_cannot(declared: Any) -> None:
    erasure = declared.erasure
    assert bool(erasure.how) != bool(erasure.cannot), "says neither, or both"
    assert erasure.objects is None or erasure.objects <= set(declared.objects)
    if erasure.how:
        assert issubclass(registry._class(declared.name), ErasesPeople)


@pytest.mark.parametrize(("kind", "object_kind"), ERASING)
def test_who_is_erased_is_nowhere_in_the_stand_in_and_others_stay(
    bench: Bench, kind: str, object_kind: str
) -> None:
    if not registry.declaration(kind).erasure.concerns(object_kind):
        pytest.skip("the object holds no people")
    destination = bench.destination(kind, object_kind)
    rows = records(offered(kind, object_kind), 4)
    if (needed := NEEDS.get((kind, object_kind))) is not None:
        sent(bench.destination(kind, needed), rows)
    sent(destination, rows)
    # OneSignal tells of a message for as long as it keeps it; who it was for is no user any more.
    is_message = kind == "onesignal" and object_kind in ("message", "email", "sms")
    assert all(found(bench, row) for row in rows)
    for _ in range(2):  # who is not there any more counts as erased
        result = settled(bench.destination(kind, object_kind), destination.erase(rows[:2]))
        assert sorted(row.key for row in result.accepted) == [row.key for row in rows[:2]]
        assert not result.failed
    assert is_message or not any(found(bench, row) for row in rows[:2])
    assert all(found(bench, row) for row in rows[2:])


@pytest.mark.parametrize(("kind", "object_kind"), ERASING)
def test_erasing_whom_nobody_was_sent_makes_nothing(
    bench: Bench, kind: str, object_kind: str
) -> None:
    if not registry.declaration(kind).erasure.concerns(object_kind):
        pytest.skip("the object holds no people")
    rows = records(offered(kind, object_kind), 2)
    destination = bench.destination(kind, object_kind)
    result = settled(destination, destination.erase(rows))
    assert len(result.accepted) == 2
    store = bench.store()
    made = [
        one for one in store.objects(kind) if one[0] != "sync"
    ]  # a webhook's stand-in keeps names
    store.close()
    assert made == []


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_files_are_written_anew_without_the_rows(bench: Bench, tmp_path: Path, kind: str) -> None:
    destination = bench.destination("files", "table", format=kind)
    rows = records(offered("files", "table"), 5)
    destination.begin("run", ["first_name"])
    destination.write([Record(row.key, {}, {"first_name": 'Zoë, "the"\nfirst'}) for row in rows])
    destination.commit()
    destination.upsert(rows)
    folder = tmp_path / "files"
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(kept) == 2
    assert len(destination.erase(rows[:2]).accepted) == 2
    for path in kept:
        assert keys_in(path, kind) == [row.key for row in rows[2:]]
        assert path.stat().st_mode & 0o077 == 0
    assert {path for path in folder.rglob("*") if path.is_file()} == set(kept)
    before = {path: path.read_bytes() for path in kept}
    destination.erase(rows[:2])
    assert {path: path.read_bytes() for path in kept} == before


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("then", ["erase", "begin", "upsert"])
def test_what_a_killed_run_had_half_written_stays_nowhere(
    bench: Bench, tmp_path: Path, kind: str, then: str
) -> None:
    rows = records(offered("files", "table"), 5)
    killed = bench.destination("files", "table", format=kind)
    killed.upsert(rows)
    killed.begin("r1", ["first_name"])
    killed.write(rows)
    (log,) = (tmp_path / "files" / "Lapsed_buyers").iterdir()
    for half in (log, tmp_path / "files" / f"Lapsed_buyers.{kind}"):
        half.with_name(f"{half.name}.part").write_text("p00000")
    another = tmp_path / "files" / f".Others.r1.{kind}"
    another.write_text("somebody else's")
    next_one = bench.destination("files", "table", format=kind)
    next_one.check()
    assert len(list((tmp_path / "files").iterdir())) == 4, "whoever looks takes nothing away"
    if then == "begin":
        next_one.begin("r2", ["first_name"])
        next_one.commit()
    else:
        getattr(next_one, then)(rows[:2])
    names = {path.name for path in (tmp_path / "files").rglob("*") if path.is_file()}
    assert names - {path.name for path in log.parent.iterdir()} - {f"Lapsed_buyers.{kind}"} == {
        another.name
    }
    assert not any(name.endswith(".part") for name in names)


def keys_in(path: Path, kind: str) -> list[str]:
    if kind == "csv":
        with path.open(encoding="utf-8", newline="") as stream:
            return [row.get("_key") or row["key"] for row in csv.DictReader(stream)]
    if kind == "jsonl":
        return [json.loads(line)["key"] for line in path.read_text().splitlines()]
    found = duckdb.sql(f"select key from '{path}' order by key").fetchall()
    return [row[0] for row in found]
