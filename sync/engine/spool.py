"""A plan's rows on local disk, so that the warehouse is let go before anything is sent.

One anonymous temporary file per kind: it has no name, only this process can read it, and it is gone when the process is, however
that ends. Memory stays bounded by one Arrow batch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc


class Spool:
    """Arrow batches written once, then read as often as needed."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="headwater-")  # noqa: SIM115
        self._writer: pa.RecordBatchStreamWriter | None = None
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch; all batches have one schema."""
        if batch.num_rows == 0:
            return
        if self._writer is None:
            options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
            self._writer = pa.ipc.new_stream(self._file, batch.schema, options=options)
        self._writer.write_batch(batch)
        self.rows += batch.num_rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every batch, from the start."""
        if self._writer is None:
            return
        self._writer.close()
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            yield from reader

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()


class PlanSpool:
    """A plan's rows: what is taken out, what is written, what only the ledger forgets, and of what is written the rows whose
    identifiers changed, where these are the member. `doubted` are rows that lose the same identifier as another: when it is taken out
    for one, the other is out too, whatever becomes of its own request.
    """

    def __init__(self, stream: Iterator[pa.RecordBatch]) -> None:
        self.removals, self.writes, self.forgotten = Spool(), Spool(), Spool()
        self.outdated, self.doubted = Spool(), Spool()
        self.seen: dict[str, int] = {}
        try:
            for batch in stream:
                self._add(plain_types(batch))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for spool in (
            self.removals, self.writes, self.forgotten, self.outdated, self.doubted,
        ):  # fmt: skip
            spool.close()

    def _add(self, batch: pa.RecordBatch) -> None:
        actions = batch.column(batch.schema.get_field_index("action"))
        for item in pc.value_counts(actions).to_pylist():
            self.seen[item["values"]] = self.seen.get(item["values"], 0) + item["counts"]
        removing = pc.equal(actions, "remove")
        forgetting = pc.equal(actions, "forget")
        self.removals.write(batch.filter(removing))
        self.forgotten.write(batch.filter(forgetting))
        writes = batch.filter(pc.invert(pc.or_(removing, forgetting)))
        self.writes.write(writes)
        if "leaving" in batch.schema.names:
            self.doubted.write(batch.filter(pc.greater(batch.column("holders"), 1)))
            leaving, shared = writes.column("leaving"), writes.column("shared")
            self.outdated.write(writes.filter(pc.not_equal(leaving, shared)))


def plain_types(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with lower-case names and the types a destination may meet: text, numbers, booleans, dates, naive UTC times."""
    columns = []
    for index, kind in enumerate(batch.schema):
        columns.append(_plain(batch.column(index), kind.type))
    return pa.RecordBatch.from_arrays(columns, names=[name.lower() for name in batch.schema.names])


def _plain(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        return column.cast(pa.int64() if kind.scale == 0 else pa.float64(), safe=False)
    if pa.types.is_timestamp(kind):
        utc = column.cast(pa.timestamp("us", tz="UTC"), safe=False) if kind.tz else column
        return utc.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return column.cast(pa.string())
    return column
