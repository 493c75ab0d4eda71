"""Rows into a table of DuckDB, in one statement: `executemany` runs one for each row, which takes a hundred times as long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]], columns: str = "",
    values: str | None = None,
) -> None:  # fmt: skip
    """`columns` where they are not all; `values` where they are made of what is given, which is c0, c1, ..."""
    given = [list(column) for column in zip(*rows, strict=True)]
    if not given:
        return
    names = ", ".join(f"c{place}" for place in range(len(given)))
    unnested = ", ".join(f"unnest(?) as c{place}" for place in range(len(given)))
    listed = f"({columns})" if columns else ""
    connection.execute(
        f"insert into {table} {listed} select {values or names} from (select {unnested})", given
    )
