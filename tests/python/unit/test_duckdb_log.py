"""When DuckDB's log is folded into its file: seldom, for it is the one moment at which a kill may break the file (decision 0108)."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sync.warehouses.duckdb import DuckDBWarehouse


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(found)) as connection:
        connection.execute("create table people as select range as number from range(1000)")
    return found


def log(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def write(warehouse: DuckDBWarehouse, *, times: int = 20) -> None:
    for number in range(times):
        with warehouse.session(write=True) as session:
            session.append("people", pa.table({"number": pa.array([number], pa.int64())}))
            session.execute("update people set number = number + 1")


def test_sessions_leave_the_file_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    warehouse = DuckDBWarehouse(str(path))
    write(warehouse)
    assert path.read_bytes() == before
    assert log(path).exists()
    with warehouse.session() as session:
        assert session.rows("select count(*) as found from people") == [{"found": 1020}]


def test_the_end_of_the_process_folds_the_log_in(path: Path) -> None:
    """A copy of the file alone has everything."""
    warehouse = DuckDBWarehouse(str(path))
    write(warehouse)
    warehouse.close()
    assert not log(path).exists()
    copy = path.with_name("copy.duckdb")
    copy.write_bytes(path.read_bytes())
    with duckdb.connect(str(copy), read_only=True) as connection:
        assert connection.execute("select count(*) from people").fetchall() == [(1020,)]


def test_who_only_read_writes_nothing_at_the_end(path: Path) -> None:
    write(DuckDBWarehouse(str(path)), times=1)
    reader = DuckDBWarehouse(str(path))
    with reader.session() as session:
        session.rows("select * from people")
    reader.close()
    assert log(path).exists()


def blocks(path: Path) -> set[int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("select block_id from pragma_storage_info('ledger')").fetchall()
    return {number for (number,) in rows if number >= 0}


def test_the_log_is_folded_in_without_writing_what_it_does_not_name(path: Path) -> None:
    """A table that lost rows is written anew by whoever builds next, not by a push that may be waiting to end."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table ledger as select hash(range) as key from range(500000)")
    before = blocks(path)
    warehouse = DuckDBWarehouse(str(path))
    with warehouse.session(write=True) as session:
        session.execute("delete from ledger where key % 2 = 0")
    warehouse.close()
    assert not log(path).exists()
    assert blocks(path) == before
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table something_else as select 1 as one")
    assert len(blocks(path)) < len(before)
