"""Rows to a file of one format, batch by batch, so that a table of any size is written in bounded memory."""

from __future__ import annotations

import csv
import io
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
    """RFC 4180 with a header; a cell that a spreadsheet would run as a formula gets a leading apostrophe."""

    def __init__(self, stream: IO[bytes], columns: list[str]) -> None:
        self._stream = stream
        self._columns = columns
        self._write([columns])

    def write(self, rows: Sequence[Row]) -> None:
        self._write([[row.get(name) for name in self._columns] for row in rows])

    def close(self) -> None:
        return None

    def _write(self, lines: Sequence[Sequence[Value]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([[_cell(value) for value in line] for line in lines])
        self._stream.write(text.getvalue().encode())


class Parquet:
    """A row group a call. A column's type is that of its first values; a column that starts empty is text."""

    def __init__(self, stream: IO[bytes], columns: list[str]) -> None:
        self._stream = stream
        self._columns = columns
        self._writer: Any = None
        self._schema: Any = None

    def write(self, rows: Sequence[Row]) -> None:
        from sync.arrow import pa

        values = {name: [row.get(name) for row in rows] for name in self._columns}
        if self._writer is None:
            self._start({name: pa.array(column).type for name, column in values.items()})
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
            values = [None if value is None else str(plain(value)) for value in values]
        return pa.array(values, kind)


def _cell(value: Value) -> str | int | float | None:
    shown = plain(value)
    if isinstance(shown, bool):
        return "true" if shown else "false"
    if isinstance(shown, list | dict):
        return json_bytes(shown).decode()
    if isinstance(shown, str) and shown.startswith(FORMULA) and not NUMBER.fullmatch(shown):
        return "'" + shown
    return shown
