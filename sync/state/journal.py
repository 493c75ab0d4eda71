"""What was taken and is not in the warehouse yet, on local disk: one small file per batch, written the moment its answer arrives.

The warehouse is written in groups, so that its file is free for others most of the time. A process that is killed between an
answer and the group leaves these files; the next push of the sync folds them in first, and so repeats only requests whose answers
never came. Files hold identifiers as the ledger does, only their owner can read them, and they go as soon as their group is in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sync.errors import WarehouseError

if TYPE_CHECKING:
    import pyarrow as pa

    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch that a killed run left."""

    run_id: str
    batch_number: int
    path: Path

    def read(self) -> pa.Table | None:
        """Its acknowledgements, or None for a file that was cut short."""
        import pyarrow as pa

        try:
            with pa.ipc.open_stream(self.path.read_bytes()) as reader:
                return reader.read_all()
        except (OSError, pa.ArrowException):
            return None


class Journal:
    """The files of one sync in one environment."""

    def __init__(self, folder: Path, *, environment: str, sync_name: str, run_id: str) -> None:
        self._folder = folder / environment / sync_name
        self._run_id = run_id

    def write(self, batch_number: int, acknowledgements: pa.Table) -> None:
        """Keep a batch; it is there as a whole or not at all.

        Raises:
            OSError: the disk refuses it.
        """
        import pyarrow as pa

        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(batch_number)
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(descriptor, "wb") as file,
            pa.ipc.new_stream(file, acknowledgements.schema) as writer,
        ):
            writer.write_table(acknowledgements)
        os.replace(partial, path)

    def drop(self, batch_numbers: Sequence[int]) -> None:
        """Their group is in the warehouse."""
        for number in batch_numbers:
            self._path(number).unlink(missing_ok=True)

    def entries(self) -> Iterator[Entry]:
        """What is there, oldest run first."""
        for path in sorted(self._folder.glob("*.arrow")):
            run_id, _, number = path.stem.rpartition(".")
            yield Entry(run_id, int(number), path)

    def in_flight_at(self) -> float | None:
        """When another run last began a request whose answer is not known (Unix time), as far as its files say."""
        begun = [
            entry.path.stat().st_mtime
            for entry in self.entries()
            if entry.run_id != self._run_id and _is_undecided(entry.read())
        ]
        return max(begun, default=None)

    def recover(self, session: Session, tables: Tables, dialect: Dialect) -> list[str]:
        """Put what is there into the warehouse; returns the runs it was of.

        Raises:
            WarehouseError: the warehouse refuses it; the files stay.
        """
        runs: dict[str, None] = {}
        for entry in list(self.entries()):
            table = entry.read()
            if table is not None and table.num_rows and not _is_in(session, tables, dialect, table):
                session.append(tables.acknowledgements, table)
                runs[entry.run_id] = None
            entry.path.unlink(missing_ok=True)
        for path in self._folder.glob("*.partial"):  # cut short: no acknowledgement
            path.unlink(missing_ok=True)
        return list(runs)

    def _path(self, batch_number: int) -> Path:
        return self._folder / f"{self._run_id}.{batch_number:08d}.arrow"


def _is_undecided(table: pa.Table | None) -> bool:
    return table is not None and "attempt" in table.column("action").to_pylist()


def _is_in(session: Session, tables: Tables, dialect: Dialect, table: pa.Table) -> bool:
    """The batch reached the warehouse, as a whole as always, before its file could be dropped."""
    first = table.slice(0, 1).to_pylist()[0]
    same = " and ".join(
        f"{name} = {dialect.literal(first[name])}"
        for name in ("environment", "sync_name", "run_id", "batch_number", "sync_key", "action")
    )
    rows = session.rows(f"select count(*) as found from {tables.acknowledgements} where {same}")
    if not rows:
        raise WarehouseError("the acknowledgements cannot be read.")
    return bool(rows[0]["found"])
