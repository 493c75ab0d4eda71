"""Rows to a file of one format, batch by batch, so that a table of any size is written in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import IO, Any, Literal, Protocol

from sync.destinations.values import json_bytes, plain
from sync.errors import RejectedError
from sync.records import Value

Format = Literal["csv", "jsonl", "parquet"]
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
# What a cell of a formula begins with (docs/destinations.md), also in the full-width forms that East Asian spreadsheets take for the same.
FORMULA = (*"=+-@", *"\t\r\n\0", *"\uff1d\uff0b\uff0d\uff20")
_IN_QUOTES = re.compile('[",\r\n]')
Row = Mapping[str, Value]


class Writer(Protocol):
    """Rows to one open file, any number of times, then closed. A row may lack columns; no row has others."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows."""

    def close(self) -> None:
        """Write what is left; the stream stays open."""


def writer(kind: Format, stream: IO[bytes], columns: Sequence[str]) -> Writer:
    """A writer of `columns`, in that order, to a stream that the caller closes."""
    made: dict[str, type[Any]] = {"csv": Csv, "jsonl": JsonLines, "parquet": Parquet}
    found: Writer = made[kind](stream, list(dict.fromkeys(columns)))
    return found


class JsonLines:
    """An object a line; what a row lacks is left out."""

    def __init__(self, stream: IO[bytes], columns: list[str]) -> None:  # noqa: ARG002 - a line names its own
        self._stream = stream

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._stream.write(json_bytes(row) + b"\n")

    def close(self) -> None:
        return None


class Csv:
    """RFC 4180 with a header; a cell that a spreadsheet would run as a formula gets a leading apostrophe. An empty text is in quotes, which
    tells it from null.
    """

    def __init__(self, stream: IO[bytes], columns: list[str]) -> None:
        self._stream = stream
        self._columns = columns
        self._write([columns])

    def write(self, rows: Sequence[Row]) -> None:
        self._write([[row.get(name) for name in self._columns] for row in rows])

    def close(self) -> None:
        return None

    def _write(self, lines: Sequence[Sequence[Value]]) -> None:
        text = [",".join([_quoted(_cell(value)) for value in line]) + "\r\n" for line in lines]
        self._stream.write("".join(text).encode())


class Parquet:
    """A row group a call. A column's type is that of its first values; a column that starts empty is text. Lists and objects are JSON text:
    Arrow would give all objects of a column the names of each, and an empty list no type that later ones have.
    """

    def __init__(self, stream: IO[bytes], columns: list[str]) -> None:
        self._stream = stream
        self._columns = columns
        self._writer: Any = None
        self._schema: Any = None

    def write(self, rows: Sequence[Row]) -> None:
        from sync.arrow import pa

        values = {name: [row.get(name) for row in rows] for name in self._columns}
        if self._writer is None:
            self._start({name: _type_of(column) for name, column in values.items()})
        try:
            arrays = [self._array(values[field.name], field.type) for field in self._schema]
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise RejectedError("files: a column changes its type from row to row.") from error
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """End the file; one without rows still has its columns."""
        from sync.arrow import pa

        if self._writer is None:
            self._start(dict.fromkeys(self._columns, pa.string()))
        self._writer.close()

    def _start(self, types: Mapping[str, Any]) -> None:
        import pyarrow.parquet as pq

        from sync.arrow import pa

        self._schema = pa.schema(
            [
                pa.field(name, pa.string() if pa.types.is_null(kind) else kind)
                for name, kind in types.items()
            ]
        )
        self._writer = pq.ParquetWriter(self._stream, self._schema)

    def _array(self, values: Sequence[Value], kind: Any) -> Any:
        from sync.arrow import pa

        if pa.types.is_string(kind):
            values = [None if value is None else _text(value) for value in values]
        return pa.array(values, kind)


def _quoted(cell: str | int | float | None) -> str:
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    if cell and _IN_QUOTES.search(cell) is None:
        return cell
    return '"' + cell.replace('"', '""') + '"'


def _type_of(column: Sequence[Value]) -> Any:
    """The Arrow type of a column's values: text where they are lists or objects."""
    from sync.arrow import pa

    if any(isinstance(value, list | dict) for value in column):
        return pa.string()
    return pa.array(column).type


def _text(value: Value) -> str:
    """A value where text is wanted: text as it is, all else as JSON has it."""
    shown = plain(value)
    return shown if isinstance(shown, str) else json_bytes(shown).decode()


def _cell(value: Value) -> str | int | float | None:
    shown = plain(value)
    if isinstance(shown, bool | list | dict):
        return json_bytes(shown).decode()
    if isinstance(shown, str) and shown.startswith(FORMULA) and not NUMBER.fullmatch(shown):
        return "'" + shown
    return shown
