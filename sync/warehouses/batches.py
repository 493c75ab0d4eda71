"""Arrow as the engine takes it, whatever a vendor's client hands over."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

BATCH_ROWS = 20_000


def normalised(table: pa.Table) -> pa.Table:
    """Names in lower case, whole numbers of 64 bits, timestamps UTC without zone in microseconds.

    Clients size numbers by what a batch happens to hold (Snowflake), or give timestamps a zone (BigQuery).
    """
    columns = [_plain(column) for column in table.columns]
    return pa.table(columns, names=[name.lower() for name in table.column_names])


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_timestamp(kind):
        zoned = pa.timestamp("us", tz="UTC") if kind.tz else pa.timestamp("us")
        return column.cast(zoned, safe=False).cast(pa.timestamp("us"))
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_decimal(kind):
        return column.cast(pa.int64()) if kind.scale == 0 else pc.cast(column, pa.float64())
    return column
