"""DuckDB begins with little memory and is given more where that is too little; what it says of a failure quotes no data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sync.errors import WarehouseError, WarehouseMemoryError
from sync.warehouses.duckdb import LEAST_MEGABYTES, DuckDBSession, DuckDBWarehouse

# A list cannot be spilled to disk, and this one takes 64 MB.
LARGE = "select length(list(number)) as length from range(8_000_000) as numbers(number)"
MAKE_LARGE = f"create or replace table large as {LARGE}"


@pytest.fixture
def path(tmp_path: Path) -> str:
    name = str(tmp_path / "test.duckdb")
    duckdb.connect(name).close()
    return name


ASKED: dict[str, Callable[[DuckDBSession], object]] = {
    "rows": lambda session: session.rows(LARGE),
    "stream": lambda session: list(session.stream(LARGE)),
    "execute": lambda session: session.execute(MAKE_LARGE),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_what_needs_more_memory_is_given_it(
    path: str, ask: Callable[[DuckDBSession], object]
) -> None:
    with DuckDBWarehouse(path).session(write=True) as session:
        ask(session)
        limit = session.rows("select current_setting('memory_limit') as value")[0]["value"]
    assert limit != _shown(path, LEAST_MEGABYTES)


def test_the_next_session_begins_with_little_again(path: str) -> None:
    warehouse = DuckDBWarehouse(path)
    with warehouse.session(write=True) as session:
        session.execute(MAKE_LARGE)
    with warehouse.session() as session:
        limit = session.rows("select current_setting('memory_limit') as value")[0]["value"]
    assert limit == _shown(path, LEAST_MEGABYTES)


def test_memory_is_by_what_the_file_holds_not_by_how_long_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mostly_free.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table large as select hash(range) as key from range(20000000)")
        connection.execute("create table small as select 1 as one")
        connection.execute("checkpoint")
        connection.execute("drop table large")
    with DuckDBWarehouse(str(path)).session() as session:
        limit = session.rows("select current_setting('memory_limit') as value")[0]["value"]
    assert path.stat().st_size > 100 * 2**20
    assert limit == _shown(str(path), LEAST_MEGABYTES)


def test_over_a_large_file_nothing_spills_as_far_as_the_machine_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "large.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute("create table large as select hash(range) as key from range(8000000)")
    filled = Path(path).stat().st_size // 2**20
    shown = "select parse_formatted_bytes(current_setting('memory_limit')) / 1000000 as value"
    with DuckDBWarehouse(path).session() as session:
        assert session.rows(shown)[0]["value"] <= max(LEAST_MEGABYTES, filled / 2)
    monkeypatch.setattr("sync.warehouses.duckdb.LARGE_MEGABYTES", 8)
    with DuckDBWarehouse(path).session() as session:
        assert session.rows(shown)[0]["value"] >= filled * 1.2


def test_a_transaction_that_ran_out_of_memory_succeeds_when_it_is_tried_again(path: str) -> None:
    warehouse = DuckDBWarehouse(path)

    def attempt() -> None:
        with warehouse.session(write=True) as session, session.transaction():
            session.execute("create or replace table small as select 1 as one")
            session.execute(MAKE_LARGE)

    with pytest.raises(WarehouseError, match="ran out of memory"):
        attempt()
    for _ in range(4):
        try:
            attempt()
            break
        except WarehouseError:
            continue
    with warehouse.session() as session:
        assert session.rows("select length from large") == [{"length": 8_000_000}]


def test_a_result_that_runs_out_behind_its_first_rows_has_more_in_the_next_session(
    path: str,
) -> None:
    """The second half of the result is sorted only when it is asked for."""
    query = (
        "select range as number, '' as text from range(100000) union all "
        "(select range, repeat(md5(range::varchar), 20) from range(200000) order by 2 limit 150000)"
    )
    warehouse = DuckDBWarehouse(path)
    with duckdb.connect(path) as connection:
        connection.execute("set temp_directory = ''")
    tries = 0
    while True:
        tries += 1
        try:
            with warehouse.session() as session:
                session.execute("set temp_directory = ''")
                rows = sum(batch.num_rows for batch in session.stream(query))
            break
        except WarehouseMemoryError as error:
            assert "used" in error.message  # noqa: PT017
            assert tries < 8
    assert rows == 250_000


def test_a_limit_that_the_target_sets_is_kept_and_the_error_says_where(path: str) -> None:
    warehouse = DuckDBWarehouse(path, memory_limit="32MB")
    with warehouse.session() as session, pytest.raises(WarehouseError, match="memory") as error:
        session.rows(LARGE)
    assert error.value.hint is not None
    assert "memory_limit" in error.value.hint


def test_a_result_that_fails_behind_its_first_batch_quotes_no_data(path: str) -> None:
    query = (
        "select cast(case when number > 300000 then 'ada@example.com' else '1' end as integer) as n "
        "from range(400000) as numbers(number)"
    )
    with DuckDBWarehouse(path).session() as session, pytest.raises(WarehouseError) as error:
        list(session.stream(query))
    assert "ada" not in str(error.value)


def _shown(path: str, megabytes: int) -> str:
    """How DuckDB writes a limit of so many megabytes."""
    with duckdb.connect(path) as connection:
        connection.execute(f"set memory_limit = '{megabytes}MB'")
        return str(connection.execute("select current_setting('memory_limit')").fetchone()[0])  # type: ignore[index]


def test_a_write_that_ran_out_of_memory_is_tried_again_on_a_new_connection(path: str) -> None:
    """On the same one its own dead transaction may be in the way: "Conflict on tuple deletion", seen at 300,000 changes."""
    with duckdb.connect(path) as connection:
        connection.execute("create table ledger as select 'p' || i as key from range(9) as t(i)")
    with DuckDBWarehouse(path).session(write=True) as session:
        before = session._connection
        session.execute("delete from ledger where key <> 'p1'", MAKE_LARGE)
        assert session._connection is not before
        session.append("ledger", pa.table({"key": ["p2"]}))
    with duckdb.connect(path, read_only=True) as connection:
        assert connection.execute("select key from ledger order by 1").fetchall() == [
            ("p1",),
            ("p2",),
        ]
        assert connection.execute("select length from large").fetchall() == [(8_000_000,)]
