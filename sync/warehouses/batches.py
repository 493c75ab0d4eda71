"""Arrow as the engine takes it, whatever a vendor's client hands over."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

import pyarrow as pa

BATCH_ROWS = 20_000
_M_ARENA_MAX = -8


def normalised(table: pa.Table) -> pa.Table:
    """Names in lower case, whole numbers of 64 bits, timestamps UTC without zone; nothing is made shorter.

    Clients size numbers by what a batch happens to hold (Snowflake), or give timestamps a zone (BigQuery).
    """
    columns = [_plain(column) for column in table.columns]
    return pa.table(columns, names=[name.lower() for name in table.column_names])


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_timestamp(kind):
        unit = "ns" if kind.unit == "ns" and not _fits_micros(column) else "us"
        zoned = pa.timestamp(unit, tz="UTC") if kind.tz else pa.timestamp(unit)
        return column.cast(zoned).cast(pa.timestamp(unit))
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    return column


def _fits_micros(column: pa.ChunkedArray) -> bool:
    micros = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    return bool(micros.cast(column.type).equals(column))


class _Hidden:
    """A finder of modules by which pandas is not installed."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def prepare_arrow() -> None:
    """Have Arrow take little memory: the system's allocator (35 MB less in a push of 1M rows), and no pandas."""
    pa.set_memory_pool(pa.system_memory_pool())
    _share_arenas()
    _leave_pandas_out()


def _share_arenas() -> None:
    """Have all threads allocate from two arenas instead of one each, whose free pages none of the others can use: 15 MB less.

    M_ARENA_MAX of glibc (https://man7.org/linux/man-pages/man3/mallopt.3.html, read 2026-11-27); elsewhere there is no such call.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _leave_pandas_out() -> None:
    """Let Arrow do without pandas, which it would import to see whether a list is one of its series: 50 MB and 0.2 s.

    Arrow looks once, on the first list it is given (pyarrow 26, pandas-shim.pxi, read 2026-11-24), and again when it is asked for a
    data frame. Were it to look elsewhere one day, pandas would be imported as before.
    """
    if "pandas" in sys.modules:
        return
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        with suppress(ImportError):
            pa.array([""])
    finally:
        sys.meta_path.remove(hidden)
