"""What the engine may rely on, the same on every warehouse."""

from __future__ import annotations

import datetime as dt
import json

import pyarrow as pa
import pytest

from sync.config.profiles import Target
from sync.errors import LeaseLostError, UnprovenError, WarehouseError
from sync.records import Proof
from sync.state.leases import Leases
from sync.warehouses.base import Session, Warehouse
from tests.python.warehouses.conftest import count

AWKWARD = ["o'brien", "back\\slash", "two\nlines", "Zoë 🌊", "100%s", "; drop table things --", ""]
SEEN = dt.datetime(2026, 11, 24, 5, 6, 7, 890123)


def things(names: list[str], share: float = 0.5) -> pa.Table:
    size = len(names)
    return pa.table(
        {
            "name": names,
            "count": pa.array([None if n % 3 == 0 else n for n in range(size)], pa.int64()),
            "share": pa.array([share] * size, pa.float64()),
            "is_new": pa.array([None if n % 2 else True for n in range(size)], pa.bool_()),
            "born": pa.array([dt.date(2000, 2, 29)] * size, pa.date32()),
            "seen_at": pa.array([None if n % 2 else SEEN for n in range(size)], pa.timestamp("us")),
        }
    )


@pytest.mark.parametrize("size", [len(AWKWARD), 300], ids=["few rows", "many rows"])
def test_what_is_appended_is_read_back_unchanged(
    warehouse: Warehouse, table: str, size: int
) -> None:
    given = things(AWKWARD + [f"n{n}" for n in range(size - len(AWKWARD))])
    with warehouse.session(write=True) as session:
        session.append(table, given)
        query = f"select * from {table}"
        as_rows = session.rows(query)
        as_batches = pa.Table.from_batches(list(session.stream(query)))
    expected = sorted(given.to_pylist(), key=lambda row: str(row["name"]))
    assert sorted(as_rows, key=lambda row: str(row["name"])) == expected
    assert sorted(as_batches.to_pylist(), key=lambda row: str(row["name"])) == expected


def test_columns_are_matched_by_name_and_the_rest_is_null(warehouse: Warehouse, table: str) -> None:
    with warehouse.session(write=True) as session:
        session.append(table, pa.table({"share": [0.25], "name": ["only these"]}))
        rows = session.rows(f"select name, share, count from {table}")
    assert rows == [{"name": "only these", "share": 0.25, "count": None}]


def test_merge_replaces_rows_of_the_same_keys_and_keeps_the_others(
    warehouse: Warehouse, table: str
) -> None:
    with warehouse.session(write=True) as session:
        session.append(table, things([f"n{n}" for n in range(150)]))
        session.merge(table, things([f"n{n}" for n in range(100, 250)], share=9.0), keys=["name"])
        rows = session.rows(f"select share, count(*) as n from {table} group by share")
    assert {row["share"]: row["n"] for row in rows} == {0.5: 100, 9.0: 150}


def test_a_failing_statement_undoes_those_before_it(warehouse: Warehouse, table: str) -> None:
    with warehouse.session(write=True) as session:
        session.append(table, things(["stays"]))
        with pytest.raises(WarehouseError):
            session.execute(
                f"delete from {table} where 1 = 1", "select no_such_column from nothing"
            )
        assert count(session, table) == 1


def test_a_session_goes_on_after_an_error(warehouse: Warehouse, table: str) -> None:
    with warehouse.session(write=True) as session:
        with pytest.raises(WarehouseError):
            session.rows("select * from no_such_schema.no_such_table")
        session.append(table, things(["after"]))
    with warehouse.session() as session:
        assert count(session, table) == 1


def test_a_table_that_is_not_there_has_no_columns(warehouse: Warehouse, table: str) -> None:
    with warehouse.session() as session:
        assert [column.name for column in session.columns(table)] == things([]).column_names
        assert session.columns(f"{table}_missing") == []


def test_a_literal_comes_back_as_it_went_in(warehouse: Warehouse) -> None:
    dialect = warehouse.dialect
    values = ", ".join(f"{dialect.literal(value)} as v{n}" for n, value in enumerate(AWKWARD))
    with warehouse.session() as session:
        row = session.rows(f"select {values}, {dialect.literal(SEEN)} as seen_at")[0]
    assert [row[f"v{n}"] or "" for n in range(len(AWKWARD))] == AWKWARD
    assert row["seen_at"] == SEEN


def test_a_fingerprint_depends_on_the_set_and_not_on_its_order(
    warehouse: Warehouse, table: str
) -> None:
    def of(names: list[str]) -> str:
        union = " union all ".join(f"select '{name}' as name" for name in names)
        expression = warehouse.dialect.fingerprint("name")
        with warehouse.session() as session:
            return str(session.rows(f"select {expression} as x from ({union}) as t")[0]["x"])

    assert of(["a", "b", "c"]) == of(["c", "a", "b"]) != of(["a", "b", "d"])


def test_one_run_at_a_time_holds_a_lease(warehouse: Warehouse, schema: str) -> None:
    string, timestamp = warehouse.dialect.string, warehouse.dialect.timestamp
    now = dt.datetime(2026, 11, 24, 12, 0)

    class Tables:
        leases = f"{schema}.leases"

    def leases(owner: str) -> Leases:
        return Leases(
            Tables(),  # type: ignore[arg-type]
            warehouse.dialect,
            environment="live",
            sync_name="s",
            owner=owner,
        )

    with warehouse.session(write=True) as session:
        session.execute(
            f"create table {Tables.leases} (environment {string}, sync_name {string}, "
            f"owner {string}, expires_at {timestamp})"
        )
        assert leases("elsewhere/1.1/a").acquire(session, now) is None
        assert "process 1 on elsewhere" in str(leases("elsewhere/2.1/b").acquire(session, now))
        with leases("elsewhere/1.1/a").held(session, now):
            session.execute(f"insert into {Tables.leases} (environment) values ('written')")
        later = now + dt.timedelta(hours=1)
        assert leases("elsewhere/2.1/b").acquire(session, later) is None
        with pytest.raises(LeaseLostError), leases("elsewhere/1.1/a").held(session, later):
            session.execute(f"insert into {Tables.leases} (environment) values ('not written')")
        with pytest.raises(LeaseLostError), leases("elsewhere/1.1/a").released(session):
            session.execute(f"insert into {Tables.leases} (environment) values ('not written')")
        with leases("elsewhere/2.1/b").released(session):
            pass
        rows = session.rows(f"select environment from {Tables.leases}")
        assert [row["environment"] for row in rows] == ["written"]


def replace_all(session: Session, table: str, rows: pa.Table) -> None:
    with session.transaction(proof=Proof(table, "name = 'another'", "share = 0")):
        session.append(table, rows)
        session.execute(f"delete from {table} where 1 = 1")


@pytest.mark.parametrize("size", [2, 2_500], ids=["few rows", "many rows"])
def test_a_unit_is_written_with_its_proof_or_not_at_all(
    warehouse: Warehouse, table: str, size: int
) -> None:
    rows = things([f"n{n}" for n in range(size)])
    with warehouse.session(write=True) as session:
        session.append(table, things(["holder"]))
        with session.transaction(proof=Proof(table, "name = 'holder'", "share = 0.75")):
            session.append(table, rows)
            session.execute(f"update {table} set share = 0.25 where name = 'n1'")
        assert count(session, table) == size + 1
        assert session.rows(f"select share from {table} where name = 'n1'") == [{"share": 0.25}]
        with pytest.raises(UnprovenError):
            replace_all(session, table, rows)
        assert count(session, table) == size + 1
        with session.transaction(proof=Proof(table, "name = 'holder'")):
            session.execute(f"delete from {table} where name = 'n0'")
        assert count(session, table) == size - 1


def test_an_object_of_texts_is_read_back_text_by_text(warehouse: Warehouse) -> None:
    dialect = warehouse.dialect
    texts = ['quo"te', "back\\slash", "two\nlines", "Zoë 🌊", ""]
    with warehouse.session() as session:
        for text in texts:
            made = dialect.json_object({"b": dialect.literal(text), "a": dialect.text("null")})
            row = session.rows(f"select made, {dialect.json_text('made', 'b')} as b, "
                               f"{dialect.json_text('made', 'a')} as a from (select {made} as made) as t")[0]  # fmt: skip
            assert json.loads(row["made"]) == {"b": text}
            assert (row["b"], row["a"]) == (text, None)
        none = dialect.json_object({"a": dialect.text("null")})
        assert session.rows(f"select {none} as made") == [{"made": None}]


def test_errors_quote_no_data(warehouse: Warehouse, table: str, target: Target) -> None:
    with warehouse.session(write=True) as session:
        session.append(table, things(["ana@mail.example"]))
        with pytest.raises(WarehouseError) as raised:
            session.rows(
                f"select cast(name as {'int64' if target.type == 'bigquery' else 'int'}) as n from {table}"
            )
    assert "ana@mail.example" not in raised.value.message
