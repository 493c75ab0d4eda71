"""What a warehouse holds goes exactly, or its row fails alone: on every warehouse, through its own client."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sync.errors import WarehouseError
from sync.records import Kind
from sync.warehouses.base import Warehouse
from tests.python.warehouses.bench import WarehouseBench

# Per warehouse: its type for each column, and how a list is written.
TYPES = {
    "duckdb": ("hugeint", "decimal(18, 2)", "double", "time", "timestamp", "varchar[]", "['a', 'b']"),
    "snowflake": ("number(38, 0)", "number(18, 2)", "float", "time", "timestamp_ntz", "array",
                  "array_construct('a', 'b')"),
    "bigquery": ("numeric", "numeric", "float64", "time", "timestamp", "array<string>",
                 "['a', 'b']"),
}  # fmt: skip
BYTES = {"duckdb": "blob", "snowflake": "binary", "bigquery": "bytes"}
GOOD = ("42", "123456.75", "0.1", "'13:37:00'", "'2026-01-02 03:04:05.678901'")
WRONG = [("1", "1234567890123456.78", GOOD[2]), ("1", "0.5", "cast('NaN' as {})")]


@pytest.fixture
def bench(tmp_path: Path, warehouse: Warehouse, schema: str) -> WarehouseBench:
    return WarehouseBench(tmp_path, warehouse, schema)


def fill(bench: WarehouseBench) -> None:
    name, text = bench.warehouse.dialect.name, bench.warehouse.dialect.string
    wide, decimal, number, time, at, tags, made = TYPES[name]
    columns = (
        f"profile_id {text}, email {text}, wide {wide}, amount {decimal}, score {number}, "
        f"opens {time}, seen_at {at}, tags {tags}, row_hash {text}"
    )
    lines = [("good", *GOOD)] + [
        (f"bad{n}", wide_one, amount, score.format(number), *GOOD[3:])
        for n, (wide_one, amount, score) in enumerate(WRONG)
    ]
    selects = [
        f"select '{key}', '{key}@example.com', {wide_one}, {amount}, {score}, "
        f"cast({opens} as {time}), cast({seen} as {at}), {made}, 'h'"
        for key, wide_one, amount, score, opens, seen in lines
    ]
    with bench.warehouse.session(write=True) as session:
        try:
            session.execute(f"create table {bench.relation} ({columns})")
        except WarehouseError as error:
            if 'near "ARRAY"' not in error.message:
                raise
            pytest.skip("BigQuery's stand-in knows no column of ARRAY")
        for select in selects:
            session.execute(f"insert into {bench.relation} {select}")


def test_each_client_hands_over_what_the_table_holds(bench: WarehouseBench) -> None:
    bench.declare(nested=True)
    fill(bench)
    result = bench.push()
    assert (result.status, result.added, result.failed) == ("partial", 1, 2), result.message
    sent = bench.destination.members["good"].fields
    assert sent == {
        "wide": 42,
        "amount": 123456.75,
        "score": 0.1,
        "opens": "13:37:00",
        "seen_at": dt.datetime(2026, 1, 2, 3, 4, 5, 678901),
        "tags": ["a", "b"],
    }
    failed = dict(bench.rows(f"select sync_key, message from {bench.tables.failures}"))
    assert failed["bad0"].startswith("amount: ")
    assert failed["bad1"].startswith("score: ")


def test_a_type_that_cannot_go_is_known_before_anything_is_read(bench: WarehouseBench) -> None:
    fill(bench)
    with bench.warehouse.session(write=True) as session:
        session.execute(
            f"alter table {bench.relation} add column raw {BYTES[bench.warehouse.dialect.name]}"
        )
        kinds = {column.name: column.kind for column in session.columns(bench.relation)}
    assert kinds["raw"] is Kind.OTHER
    assert kinds["tags"] is Kind.NESTED
    assert bench.push().error.reason == "type"  # type: ignore[union-attr]
    assert bench.destination.calls == []
