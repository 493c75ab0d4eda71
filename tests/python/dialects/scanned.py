"""What a build reads, in bytes as BigQuery bills them, from a DuckDB file that a build of the same project filled.

    python -m tests.python.dialects.scanned headwater.duckdb     # docs/warehouses.md, "What it costs"

Each statement of an offline build is taken to read, of each table it names, those columns whose names it mentions; a view
is what it reads itself. Tables of a materialisation's own are as long as `identity_links` and 24 bytes wide. So this is an
upper bound: clusters and partitions that need not be read are counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import duckdb
from sqlglot import exp

from tests.python.dialects.offline import Offline

SCRATCH_BYTES = 24
# Sizes of https://cloud.google.com/bigquery/pricing, "data size calculation": text is 2 bytes and its UTF-8.
WIDTHS = {"BOOLEAN": 1, "DATE": 8}
DECIMAL_WIDTH, OTHER_WIDTH = 16, 8


def sizes(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """Bytes of every column of every table."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    columns = connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "natural join (select table_schema, table_name from information_schema.tables "
        "where table_type = 'BASE TABLE')"
    ).fetchall()
    for schema, table, column, kind in columns:
        width = str(WIDTHS.get(kind, DECIMAL_WIDTH if kind.startswith("DECIMAL") else OTHER_WIDTH))
        if kind == "VARCHAR":
            width = f'2 + strlen("{column}")'
        ((size,),) = connection.execute(
            f'select coalesce(sum(case when "{column}" is not null then {width} end), 0) '
            f'from "{schema}"."{table}"'
        ).fetchall()
        found[table][column.lower()] = int(size)
    return found


def reads(tree: exp.Expression, stored: dict[str, dict[str, int]], views: dict[str, int],
          scratch: int) -> int:  # fmt: skip
    """Bytes that one statement reads."""
    names = {column.name.lower() for column in tree.find_all(exp.Column)}
    stars = any(True for _ in tree.find_all(exp.Star))
    written = tree.this.find(exp.Table) if isinstance(tree, exp.Create) else None
    total = 0
    for table in tree.find_all(exp.Table):
        name = table.name.lower()
        if table is written:
            continue
        if "__scratch_" in name:
            total += scratch
        elif name in stored:
            total += sum(size for column, size in stored[name].items() if stars or column in names)
        elif name in views:
            total += views[name]
    return total


def main(path: str) -> None:
    offline = Offline("bigquery")
    with tempfile.TemporaryDirectory() as folder:
        offline.build(Path(folder), existing=False)
    with duckdb.connect(path, read_only=True) as connection:
        stored = sizes(connection)
        ((people,),) = connection.execute("select count(*) from analytics.profiles").fetchall()
        ((links,),) = connection.execute("select count(*) from analytics.identity_links").fetchall()
    scratch = links * SCRATCH_BYTES
    views: dict[str, int] = {}
    totals: dict[str, int] = defaultdict(int)
    for statement in offline.statements:
        for tree in offline.parse(statement.sql):
            size = reads(tree, stored, views, scratch)
            if isinstance(tree, exp.Create) and tree.kind == "VIEW":
                views[tree.find(exp.Table).name.lower()] = size  # a view is created without reading
                continue
            if "where false" in statement.sql.lower():  # the columns of a query, for a contract
                continue
            layer = statement.node.split(".")[0] or "hooks"
            if ".identity" in statement.node and layer == "model":
                layer = "model: identity"
            totals[layer] += size
    kept = sum(sum(columns.values()) for columns in stored.values())
    print(json.dumps({
        "profiles": people,
        "bytes_stored_per_profile": round(kept / people),
        "bytes_read_per_profile": {name: round(size / people) for name, size in totals.items()},
    }, indent=2))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
