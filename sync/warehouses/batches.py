"""Arrow as the engine takes it, whatever a vendor's client hands over."""

from __future__ import annotations

from sync.arrow import pa

BATCH_ROWS = 20_000


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
