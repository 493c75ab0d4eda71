"""The activation table, through plan and push, at every destination and in every mode: what the stand-in holds is what the table says."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from workbench import Workbench

from headwater.testing.suite import differences
from sync.config.models import Guards, Nulls
from sync.destinations import registry
from sync.destinations.base import Delivery
from sync.records import Mode, SyncObject
from sync.sandbox import start_sandbox
from tests.python.contract import content
from tests.python.contract.content import EVENTS, NAME, RECORDS, Content, Held
from tests.python.contract.test_content import expected, records

NAMESPACE = uuid.UUID("6f8f4c1e-6f0a-5f0b-9d5c-0d6f6f1f4a11")  # of idempotency keys, for ever
FREE = Guards(max_removals_percent=None, max_additions_percent=None, min_rows=0)
# The plan has words for what stays in a column that is null in each row; the rest is left out.
NULLS = Nulls(fields={"cleared": "send"})


def put(bench: Workbench, case: Content, numbers: Iterable[int], *, shift: int = 0) -> None:
    """The activation table, with the types that the values have."""
    rows: list[dict[str, Any]] = [
        {"row_key": f"k{number:05d}", **case.identifiers(number), **case.fields(number + shift)}
        for number in numbers
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: [row.get(name) for row in rows] for name in columns})
    hashes = [hashlib.md5(repr(row).encode()).hexdigest() for row in rows]
    table = table.append_column("row_hash", pa.array(hashes))
    with duckdb.connect(str(bench.path)) as connection:
        connection.register("given", table)
        connection.execute(
            "create or replace table sync_memory as select *, cast(null as varchar) as withheld_reason from given"
        )


@pytest.fixture
def reaching(
    workbench: Callable[..., Workbench], tmp_path: Path
) -> Iterator[Callable[[Content], Workbench]]:
    """A bench whose sync fills an object at a stand-in."""
    with start_sandbox(tmp_path / "sandbox.sqlite") as base_url:

        def of(case: Content) -> Workbench:
            target = SyncObject(case.object_kind, NAME)
            every = dict.fromkeys(name for number in range(4) for name in case.identifiers(number))
            bench = workbench(
                identifiers=tuple(every), object=target, key=("row_key",), guards=FREE, nulls=NULLS
            )
            settings = registry.sandbox_settings(
                case.kind, base_url=base_url, directory=str(tmp_path)
            ) | dict(case.settings)
            bench.destination = registry.create(
                case.kind, name=case.kind, settings=settings, target=target
            )  # type: ignore[assignment]
            bench.declaration = registry.declaration(case.kind)
            if case.needs:
                case.needs(base_url, records(case, range(30)))
            return bench

        yield of


def push(bench: Workbench, mode: Mode, **options: Any) -> None:
    bench.definition = replace(bench.definition, mode=mode, **options)
    result = bench.push()
    assert result.status == "success", result.message


def taken(case: Content, held: Held) -> Held:
    if case.kind == "onesignal":  # users stay; whose tag is gone is out
        return {key: user for key, user in held.items() if NAME in user["tags"]}
    return held


# A record at a vendor, members by hash with a job, and a log: what the verbs of the others do, the content suite shows.
QUICK = ("klaviyo", "google_data_manager", "files")


def _able(case: Content) -> frozenset[Mode]:
    return registry.declaration(case.kind).objects[case.object_kind].modes


def _subscribes(case: Content) -> bool:
    """Such a sync asks for consent first: test_subscriptions."""
    return bool(registry.declaration(case.kind).objects[case.object_kind].subscribes)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(one, marks=() if one.kind in QUICK else pytest.mark.long, id=str(one))
        for one in RECORDS
        if not _subscribes(one)
    ],
)
def test_a_table_arrives_in_every_mode(reaching: Any, tmp_path: Path, case: Content) -> None:
    bench, able = reaching(case), _able(case)
    put(bench, case, range(20))
    push(bench, Mode.UPSERT)
    first = expected(case, range(20))
    assert differences(case.held(tmp_path), first) == []

    put(bench, case, range(5, 25), shift=1000)
    push(bench, Mode.ADD)
    assert differences(case.held(tmp_path), first | expected(case, range(20, 25), shift=1000)) == (
        []
    )

    if Mode.MIRROR not in able:
        return
    push(bench, Mode.MIRROR)
    wanted = expected(case, range(5, 25), shift=1000)
    assert differences(taken(case, case.held(tmp_path)), wanted) == []

    put(bench, case, range(5, 9), shift=1000)
    push(bench, Mode.REMOVE, id="out")
    left = expected(case, range(9, 25), shift=1000)
    assert differences(taken(case, case.held(tmp_path)), left) == []


def _declared(vendor: str, kind: str, column: str, held: Callable[[str], Any]) -> Content:
    """A kind of object of a declared file, whose members are what is said of one identifier."""

    def identifiers(number: int) -> dict[str, str]:
        text = f"Person{number}@shop.example"
        return {column: hashlib.sha256(text.encode()).hexdigest() if "sha" in column else text}

    def expected(_key: str, given: dict[str, str], _fields: Any) -> Held:
        name, data = held(given[column])
        return {(NAME, name): data}

    return Content(
        vendor, kind, identifiers, content.no_fields, expected,
        lambda folder: content._members(folder, vendor),
    )  # fmt: skip


DECLARED = [
    _declared("braze", "audience", "external_id", lambda one: (one, {"external_id": one, NAME: True})),
    _declared("mailchimp", "tag", "email", lambda one: (
        hashlib.md5(one.lower().encode()).hexdigest(), {"tags": [{"name": NAME, "status": "active"}]},
    )),
    _declared("pinterest", "customer_list", "email_sha256", lambda one: (one, one)),
]  # fmt: skip


@pytest.mark.parametrize("case", DECLARED, ids=str)
def test_a_table_arrives_at_a_destination_that_is_a_file(
    reaching: Any, tmp_path: Path, case: Content
) -> None:
    bench = reaching(case)
    put(bench, case, range(20))
    push(bench, Mode.MIRROR)
    assert differences(case.held(tmp_path), expected(case, range(20))) == []
    put(bench, case, range(5, 25))
    push(bench, Mode.MIRROR)
    assert differences(case.held(tmp_path), expected(case, range(5, 25))) == []


@pytest.mark.parametrize("case", EVENTS, ids=str)
def test_events_arrive_once(
    reaching: Any, tmp_path: Path, case: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(number: int) -> str:
        return str(uuid.uuid5(NAMESPACE, f"memory_people\x1fk{number:05d}"))

    monkeypatch.setattr(content, "idempotency_key", key)
    bench = reaching(case)
    offered = registry.declaration(case.kind).objects[case.object_kind].delivery
    choice = None if offered is Delivery.EXACTLY_ONCE else "at_least_once"
    put(bench, case, range(20))
    push(bench, Mode.EVENT, delivery=choice)
    put(bench, case, range(10, 30))
    push(bench, Mode.EVENT, delivery=choice)
    assert differences(case.held(tmp_path), expected(case, range(30))) == []


def test_a_table_is_written_whole(reaching: Any, tmp_path: Path) -> None:
    import json

    case = next(one for one in RECORDS if one.kind == "files")
    bench = reaching(case)
    for numbers in (range(20), range(10, 30)):
        put(bench, case, numbers)
        push(bench, Mode.REPLACE)
        lines = (tmp_path / "files" / "Lapsed_buyers.jsonl").read_text().splitlines()
        held = {row["key"]: row for row in map(json.loads, lines)}
        assert differences(held, expected(case, numbers)) == []
