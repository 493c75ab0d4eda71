"""A plan's rows on local disk, so that the warehouse is let go before anything is sent.

One anonymous temporary file per kind: it has no name, only this process can read it, and it is gone when the process is, however
that ends. Memory stays bounded by one Arrow batch.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from sync.engine.plan.edge import Edge
from sync.errors import HeadwaterError
from sync.records import Action

if TYPE_CHECKING:
    from sync.arrow import pa


class Spool:
    """Arrow batches written once, then read as often as needed."""

    def __init__(self) -> None:
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="headwater-")  # noqa: SIM115
        except OSError as error:  # no folder will do
            raise _unkept(error) from error
        self._writer: pa.RecordBatchStreamWriter | None = None
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch; all batches have one schema."""
        if batch.num_rows == 0:
            return
        try:
            if self._writer is None:
                from sync.arrow import pa

                options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
                self._writer = pa.ipc.new_stream(self._file, batch.schema, options=options)
            self._writer.write_batch(batch)
        except OSError as error:
            raise _unkept(error) from error
        self.rows += batch.num_rows

    def end(self) -> None:
        """All is written: a full disk says so now, and not when something was sent."""
        try:
            if self._writer is not None:
                self._writer.close()
            self._file.flush()
        except OSError as error:
            raise _unkept(error) from error

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every batch, from the start."""
        if self._writer is None:
            return
        from sync.arrow import pa

        self._writer.close()
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            yield from reader

    def close(self) -> None:
        """Give the disk space back."""
        with suppress(OSError):  # what a full disk did not take is not wanted any more
            self._file.close()


def _unkept(error: OSError) -> HeadwaterError:
    folder = os.environ.get("TMPDIR") or "the folder for temporary files"
    with suppress(OSError):  # there may be none
        folder = tempfile.gettempdir()
    return HeadwaterError(
        f"the plan cannot be kept in {folder} ({_why(error)}).",
        hint="make room there, or set TMPDIR to a folder that has some; nothing was sent.",
    )


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__


class PlanSpool:
    """A plan's rows: what is taken out, what is written, what only the ledger forgets, and of what is written the rows whose
    identifiers changed, where these are the member. `refused` holds a value that cannot go, each with its reason. `doubted` are rows
    that lose the same identifier as another: when it is taken out for one, the other is out too, whatever becomes of its own request.
    """

    def __init__(self, stream: Iterator[pa.RecordBatch], edge: Edge) -> None:
        self.removals, self.writes, self.forgotten = Spool(), Spool(), Spool()
        self.outdated, self.doubted, self.refused = Spool(), Spool(), Spool()
        self.seen: dict[str, int] = {}
        self._refused_actions: Counter[str] = Counter()
        self._refused_reasons: set[str] = set()
        try:
            for batch in stream:
                self._add(*edge.cross(batch))
            for spool in self._all():
                spool.end()
        except BaseException:
            self.close()
            raise

    @property
    def refused_unchanged(self) -> int:
        """Rows of a whole set that were sent before and cannot go now."""
        return self._refused_actions.get("unchanged", 0)

    @property
    def refused_why(self) -> str:
        """The reasons, each once."""
        return "; ".join(sorted(self._refused_reasons))

    def close(self) -> None:
        for spool in self._all():
            spool.close()

    def _all(self) -> tuple[Spool, ...]:
        return (
            self.removals,
            self.writes,
            self.forgotten,
            self.outdated,
            self.doubted,
            self.refused,
        )

    def _add(self, batch: pa.RecordBatch, reasons: pa.Array) -> None:
        from sync.arrow import pc

        actions = batch.column(batch.schema.get_field_index("action"))
        for item in pc.value_counts(actions).to_pylist():
            self.seen[item["values"]] = self.seen.get(item["values"], 0) + item["counts"]
        removing = pc.equal(actions, Action.REMOVE.value)
        forgetting = pc.equal(actions, Action.FORGET.value)
        self.removals.write(batch.filter(removing))
        self.forgotten.write(batch.filter(forgetting))
        # Who is taken out goes whatever else the row holds; who is written goes exactly, or not.
        writing, sound = pc.invert(pc.or_(removing, forgetting)), pc.is_null(reasons)
        refused = pc.and_(writing, pc.invert(sound))
        if pc.any(refused).as_py():
            told = batch.select(["action", "sync_key", "row_hash"]).append_column("reason", reasons)
            told = told.filter(refused)
            self.refused.write(told)
            self._refused_actions.update(told.column("action").to_pylist())
            self._refused_reasons.update(told.column("reason").unique().to_pylist())
        writes = batch.filter(pc.and_(writing, sound))
        self.writes.write(writes)
        if "leaving" in batch.schema.names:
            self.doubted.write(batch.filter(pc.greater(batch.column("holders"), 1)))
            leaving, shared = writes.column("leaving"), writes.column("shared")
            self.outdated.write(writes.filter(pc.not_equal(leaving, shared)))
