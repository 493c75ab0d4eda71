"""The file of a workbench, held open for the length of a test.

A DuckDB that this process has open is opened again in no time, any other in 17 ms, and a push opens it a dozen times. Sessions that
only read refuse to write, as they do where the file is theirs. That it is let go is shown by the tests marked `own_file`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

_WRITES = re.compile(
    r"\s*(?:insert|update|delete|merge|drop(?!\s+table\s+if\s+exists\s+temp\.)|alter|truncate"
    r"|create\s+(?:or\s+replace\s+)?(?:table|schema|view|index))\b",
    re.IGNORECASE,
)
_connect = duckdb.connect


class _Reading:
    """A connection that only reads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def execute(self, statement: str, *more: Any) -> duckdb.DuckDBPyConnection:
        if _WRITES.match(statement):
            raise duckdb.InvalidInputException("a session that only reads was told to write")
        return self._connection.execute(statement, *more)


class HeldOpen:
    """Files that are held open, each by a connection that nobody uses."""

    def __init__(self) -> None:
        self._held: dict[str, duckdb.DuckDBPyConnection] = {}

    def hold(self, path: Path) -> None:
        """From now on; a file that was made anew is another."""
        self._let_go(str(path))
        self._held[str(path)] = _connect(str(path), config={"threads": 1})

    def connect(self, database: Any = ":memory:", read_only: bool = False, **named: Any) -> Any:
        """What stands for `duckdb.connect`."""
        held = self._held.get(str(database))
        if held is None:
            return _connect(database, read_only=read_only, **named)
        if not Path(str(database)).exists():
            raise duckdb.IOException(f"{database} is gone")
        return _Reading(held.cursor()) if read_only else held.cursor()

    def _let_go(self, name: str) -> None:
        if name in self._held:
            self._held.pop(name).close()

    def close(self) -> None:
        for name in list(self._held):
            self._let_go(name)


@contextmanager
def holding_open() -> Iterator[HeldOpen]:
    """Within, `duckdb.connect` to a held file is another connection to it."""
    held = HeldOpen()
    with patch.object(duckdb, "connect", held.connect):
        try:
            yield held
        finally:
            held.close()
