"""What is written down before a batch is sent and the moment its answer arrives: in the journal, or else in the warehouse."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sync.errors import HeadwaterError, WarehouseError
from sync.state.journal import Journal
from sync.state.runs import Progress

if TYPE_CHECKING:
    from sync.arrow import pa
    from sync.engine.context import Watcher

AHEAD_SECONDS = 10.0


class Keeper:
    """Keeps one run's batches. Used by the threads that send."""

    def __init__(
        self,
        journal: Journal,
        *,
        name: str,
        intends: bool,
        group_seconds: float,
        watcher: Watcher,
    ) -> None:
        """`intends` says that what may be there must be known; `group_seconds` how often the warehouse is written."""
        self._journal = journal
        self._name = name
        self._intends = intends
        # Without a journal a local warehouse is written batch by batch; one in the cloud takes too few writes a day for that.
        self._is_local = group_seconds < AHEAD_SECONDS
        self._watcher = watcher
        self._turn = threading.Lock()
        self._error: OSError | None = None  # nothing is kept on disk any more
        self.wrote_ahead = False
        self.blocked: HeadwaterError | None = None  # nothing can be written down: nothing is sent

    @property
    def writes_ahead(self) -> bool:
        """Whether the warehouse stands in for the journal: it has what is sent before it is, and what was answered before more is."""
        return self._error is not None and self._is_local

    def is_kept(self, number: int, intended: pa.Table) -> bool:
        """Whether the journal has what is about to be sent, and room for the answer."""
        if self._error is not None:
            return False
        try:
            if self._intends:
                self._journal.write(number, intended)
            self._journal.reserve(number, intended)
        except OSError as error:
            self._lose(error)
            return False
        return True

    def write_ahead(self, table: pa.Table, write: Callable[[Progress], None]) -> bool:
        """Have the warehouse take it before anything is sent; False when nothing may be."""
        with self._turn:
            if self.blocked is None:
                self.wrote_ahead = True
                try:
                    write(Progress([table]))
                except WarehouseError as error:
                    self.block(error)
            return self.blocked is None

    def keep(self, number: int, table: pa.Table) -> None:
        """What was answered."""
        try:
            self._journal.write(number, table)
        except OSError as error:
            self._lose(error)

    def drop(self, numbers: Sequence[int]) -> None:
        """These batches are in the warehouse, or ask for nothing to be kept."""
        self._journal.drop(numbers)

    def close(self) -> None:
        """Nothing is kept any more; what is left is for the next run."""
        self._journal.close()

    def refused(self, error: WarehouseError) -> None:
        """The warehouse did not take a write: with no journal either, nothing can be written down."""
        if self._error is not None:
            self.block(error)

    def block(self, error: WarehouseError) -> None:
        """Nothing more is sent in this run."""
        journal = f"the journal says '{_reason(self._error)}', " if self._error else ""
        self._block(f"{journal}the warehouse '{error.message}'")

    def _block(self, reasons: str) -> None:
        self.blocked = self.blocked or HeadwaterError(
            f"sync '{self._name}': stopped, since what is sent could not be written down: {reasons}.",
            hint="make room or mend them, and push again: it goes on from here.",
        )

    def _lose(self, error: OSError) -> None:
        """The journal must not say any more that it has all; where it cannot be told so, the warehouse must have it, or nothing is sent."""
        if self._error is not None:
            return
        self._error = error
        try:
            self._journal.resign()
        except OSError as refusal:
            if self._intends and not self._is_local:
                self._block(f"the journal says '{_reason(refusal)}'")
        self._watcher.log(
            "journal_failed", sync=self._name, error=type(error).__name__, reason=_reason(error)
        )


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
