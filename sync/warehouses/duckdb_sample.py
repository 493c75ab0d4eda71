"""A part of a DuckDB file in memory, the rows of some of its people, so that a question about all of them is answered at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb

_RELATION = re.compile(r'"([^"]+)"\."([^"]+)"\."([^"]+)"')
_SAMPLE = "sampled"


class DuckDBSample:
    """Rows of `people` of those in a relation, by the hash of their key; tables come in as questions name them.

    The file is open only while a table is brought in, so that a build finds it free.
    """

    def __init__(self, path: Path | str, relation: str, key: str, people: int) -> None:
        """`relation` is that of everybody, as SQL names it; all of them where there are no more than `people`."""
        self._path, self._relation, self._key = str(path), relation, key
        self._connection = duckdb.connect()
        self._connection.execute(f"attach ':memory:' as \"{_SAMPLE}\"")
        self._known: set[str] = set()
        with self._file():
            self.total = int(self._value(f"select count(*) from {relation} where {key} is not null"))  # fmt: skip
            share = 1.0 if self.total <= people else people / self.total
            bound = f"{int(share * 2**32):08x}"
            chosen = f"substr(md5('preview|' || {key}), 1, 8) < '{bound}'" if share < 1 else "true"
            self._connection.execute(
                f'create table "{_SAMPLE}".chosen as select distinct {key} from {relation} where {key} is not null and {chosen}'
            )
        self.people = int(self._value(f'select count(*) from "{_SAMPLE}".chosen'))

    @property
    def is_whole(self) -> bool:
        """Whether nobody is left out."""
        return self.people == self.total

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The answer of a query over the sample, which names relations as they are in the file."""
        for name in {found[0] for found in _RELATION.finditer(query)} - self._known:
            self._bring_in(name)
        asked = _RELATION.sub(lambda found: f'"{_SAMPLE}"."{found[2]}"."{found[3]}"', query)
        result = self._connection.execute(asked)
        names = [column[0].lower() for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def _bring_in(self, name: str) -> None:
        found = _RELATION.fullmatch(name)
        assert found is not None  # noqa: S101
        with self._file():
            described = self._connection.execute(f"describe {name}").fetchall()
            kept = f' where {self._key} in (select {self._key} from "{_SAMPLE}".chosen)'
            is_theirs = self._key in {str(row[0]).lower() for row in described}
            self._connection.execute(f'create schema if not exists "{_SAMPLE}"."{found[2]}"')
            self._connection.execute(
                f'create table "{_SAMPLE}"."{found[2]}"."{found[3]}" as select * from {name}{kept if is_theirs else ""}'
            )
        self._known.add(name)

    def _file(self) -> _Attached:
        database = _RELATION.match(self._relation)
        assert database is not None  # noqa: S101
        return _Attached(self._connection, self._path, database[1])

    def _value(self, query: str) -> Any:
        found = self._connection.execute(query).fetchone()
        return found[0] if found else None

    def close(self) -> None:
        """Let the memory go."""
        self._connection.close()


class _Attached:
    """The file, under the name that its relations have."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: str, name: str) -> None:
        self._connection, self._path, self._name = connection, path, name

    def __enter__(self) -> None:
        told = self._path.replace("'", "''")
        self._connection.execute(f"attach '{told}' as \"{self._name}\" (read_only)")

    def __exit__(self, *_: object) -> None:
        self._connection.execute(f'detach "{self._name}"')
