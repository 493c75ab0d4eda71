"""Raw tables of a few dozen people: most rows on the first day, the rest on a later one."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from benchmarks.generator.__main__ import draw_sources

PEOPLE = 50
SEED = 3
# Of each table, so many rows in a hundred are late: new people, new identifiers of known ones, merges.
LATE = {
    "raw_loyalty__members": 20,
    "raw_support__tickets": 20,
    "raw_consent__consents": 20,
    "raw_web__page_views": 20,
}


def raw_tables() -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """The first day's rows and the late ones, by `<schema>__<table>`; every column is text."""
    first, late = {}, {}
    with duckdb.connect() as connection:
        for source in draw_sources(PEOPLE, SEED):
            for table, frame in source.tables.items():
                name = f"{source.schema}__{table}"
                connection.register("frame", frame)
                rows = connection.sql("select columns(*)::varchar from frame").to_arrow_table()
                count = rows.num_rows - rows.num_rows * LATE.get(name, 0) // 100
                first[name], late[name] = rows.slice(0, count), rows.slice(count)
    return first, {name: rows for name, rows in late.items() if rows.num_rows}
