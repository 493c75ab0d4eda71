"""What Arrow is brought in with: on DuckDB neither numpy nor pandas, which a push has no use for."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import sync.cli.push
assert "pyarrow" not in sys.modules, "Arrow is imported before it is prepared"
from sync.warehouses.arrow import prepare_arrow
prepare_arrow(numpy={numpy})
import duckdb
import pyarrow as pa
rows = duckdb.sql("select 1.50::decimal(9, 2) as price, timestamp '2026-01-02 03:04:05' as at, 'a' as name").to_arrow_table()
assert duckdb.from_arrow(rows).fetchall() == [tuple(rows.to_pylist()[0].values())]
pa.array(["a", None])
print(*sorted({{"numpy", "pandas"}} & set(sys.modules)))
"""


@pytest.mark.parametrize(("numpy", "found"), [(False, ""), (True, "numpy")])
def test_arrow_is_imported_with_what_the_warehouse_needs_alone(numpy: bool, found: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(numpy=numpy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == found
