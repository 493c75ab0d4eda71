"""What two DuckDB files hold, compared table by table."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb

# When a row was written, by the clock of the machine: two builds never agree on it.
CLOCK_COLUMNS = frozenset({"counted_at"})
# A hash of a feed's compiled text, whose blanks are each engine's own.
TEXT_COLUMNS = frozenset({"rule"})
# Hashes of contents, by each DuckDB's own function.
HASHES = '."table_versions"'


class Tables:
    """The tables and views of one file, read only."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(str(path), read_only=True)
        self.connection.execute("set TimeZone = 'UTC'")
        self.columns: dict[str, dict[str, str]] = defaultdict(dict)
        for schema, table, column, kind in self.connection.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns"
        ).fetchall():
            self.columns[f'"{schema}"."{table}"'][column] = kind

    def fingerprint(self, table: str, columns: Collection[str]) -> tuple[object, ...]:
        """Rows and a sum that is the same for the same multiset of rows."""
        row = ", ".join(f'"{column}"' for column in columns)
        found = self.connection.execute(
            f"select count(*), sum(cast(hash(row({row})) as hugeint)) from {table}"
        ).fetchone()
        assert found is not None
        return found

    def rows(self, table: str, columns: Collection[str]) -> list[tuple[object, ...]]:
        row = ", ".join(f'"{column}"' for column in columns)
        found = self.connection.execute(f"select {row} from {table}").fetchall()
        return [tuple(map(_sorted, one)) for one in found]


def _sorted(value: object) -> object:
    """An object in JSON with its names in order: an engine has them in whatever order it keeps names in."""
    if isinstance(value, str) and value.startswith("{"):
        with suppress(json.JSONDecodeError):
            return json.dumps(json.loads(value), sort_keys=True)
    return value


def differences(one: Path, other: Path) -> Iterator[str]:
    """What is not alike: tables, columns and their types, rows. Columns come in whatever order an engine keeps names in."""
    left, right = Tables(one), Tables(other)
    for table in sorted(set(left.columns) ^ set(right.columns)):
        yield f"{table} is in one of the two only"
    for table in sorted(set(left.columns) & set(right.columns)):
        if table.endswith(HASHES):
            continue
        if left.columns[table] != right.columns[table]:
            odd = set(left.columns[table].items()) ^ set(right.columns[table].items())
            yield f"{table} has other columns: {sorted(odd)}"
            continue
        columns = sorted(set(left.columns[table]) - CLOCK_COLUMNS - TEXT_COLUMNS)
        if left.fingerprint(table, columns) == right.fingerprint(table, columns):
            continue
        here, there = Counter(left.rows(table, columns)), Counter(right.rows(table, columns))
        if here != there:
            yield f"{table} has other rows: {_example(left, right, table, columns)}"


def _example(left: Tables, right: Tables, table: str, columns: list[str]) -> str:
    """A row of each side that the other has not, in the columns in which they differ."""
    here, there = left.rows(table, columns), right.rows(table, columns)
    more = sorted(set(here) - set(there), key=repr)
    less = sorted(set(there) - set(here), key=repr)
    if not more or not less:
        return f"{len(here)} and {len(there)}, such as {dict(zip(columns, (more or less or [()])[0], strict=False))}"
    unlike = [n for n in range(len(columns)) if more[0][n] != less[0][n]]
    return f"{len(more)} and {len(less)} of {len(here)}, such as " + " and ".join(
        str({columns[n]: row[n] for n in unlike}) for row in (more[0], less[0])
    )
