"""Acknowledgements on their way to the warehouse: gathered into groups, written by one thread, under a lease that each write proves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from sync.engine.retry import Retrier
from sync.errors import WarehouseError, WarehouseLockedError
from sync.state.leases import LEASE_SECONDS, Leases
from sync.state.runs import Progress, RunLog
from sync.warehouses.base import Warehouse, now_utc

if TYPE_CHECKING:
    from sync.engine.context import Watcher

TRIES = 6


class Groups:
    """Writes what one run acknowledges."""

    def __init__(
        self,
        warehouse: Warehouse,
        log: RunLog,
        lease: Leases,
        *,
        name: str,
        retrier: Retrier,
        watcher: Watcher,
        written: Callable[[Sequence[int]], None],
        refused: Callable[[WarehouseError], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`written` is told which batches are in the warehouse, `refused` of each write that was not taken, which is tried again."""
        self._warehouse = warehouse
        self._log = log
        self._lease = lease
        self._name = name
        self._retrier = retrier
        self._watcher = watcher
        self._written = written
        self._refused = refused
        self._clock = clock
        self._renewed_at = now_utc()
        self._began = clock()
        self._seconds = warehouse.dialect.group_seconds
        self._rows = warehouse.dialect.group_rows
        self._progress = Progress()
        self._batches: list[int] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"{name}-acknowledge")
        self._writing: Future[None] | None = None

    def close(self) -> None:
        """Nothing is written any more when this returns."""
        self._writer.shutdown()

    @property
    def rows(self) -> int:
        """About as many acknowledgements as a write should have."""
        return self._rows

    @property
    def gathering(self) -> Progress:
        """The group that is not full yet."""
        if not self._progress:
            self._began = self._clock()
        return self._progress

    def add_batch(self, number: int) -> None:
        """The group has the acknowledgements of a batch."""
        self._batches.append(number)

    @property
    def seconds_left(self) -> float:
        """Until the group that is gathering must be written; it gathers on while another is written."""
        if not self._progress or (self._writing is not None and not self._writing.done()):
            return self._seconds
        return self._seconds - (self._clock() - self._began)

    def hand_over_if_due(self) -> None:
        """Have the group written where it is full, or it is time."""
        if self._progress.rows >= self._rows or self.seconds_left <= 0:
            self._hand_over()

    def flush(self) -> None:
        """Return when all that was gathered is written.

        Raises:
            WarehouseError: it is not; the journal has it.
        """
        self._hand_over()
        self._wait()

    def _hand_over(self) -> None:
        """Have the group written while the next one gathers; one at a time."""
        self._wait()
        group, batches = self._progress, self._batches
        self._progress, self._batches = Progress(), []
        self._writing = self._writer.submit(self._put, group, batches)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _put(self, group: Progress, batches: Sequence[int]) -> None:
        self.write(group)
        self._written(batches)

    def write(self, progress: Progress) -> None:
        """Write until it is written: what a destination took and nobody marked would be sent again.

        Raises:
            WarehouseError: the warehouse goes on refusing it.
            LeaseLostError: another run has taken over; nothing is written.
        """
        if not progress:
            return
        quarantined = 0
        for attempt in range(1, TRIES + 1):
            try:
                quarantined = self._try_to_write(progress)
                break
            except WarehouseError as error:
                self._watcher.log(
                    "not_acknowledged",
                    sync=self._name,
                    rows=progress.rows,
                    message=error.message,
                )
                self._refused(error)
                pause = self._retrier.policy.base_seconds * 2**attempt
                if attempt == TRIES or not self._retrier.pause(pause):
                    # Whoever was told to stop while the file was waited for was interrupted.
                    held = isinstance(error, WarehouseLockedError)
                    raise (WarehouseLockedError if held else WarehouseError)(
                        f"sync '{self._name}': {progress.rows:,} rows were taken by the "
                        f"destination but could not be acknowledged: {error.message}",
                        hint="mend the warehouse and push again: what .headwater/journal kept of "
                        "them is marked then, and not sent twice.",
                    ) from error
        if quarantined:
            self._watcher.log("quarantined", sync=self._name, rows=quarantined)

    def _try_to_write(self, progress: Progress) -> int:
        with self._warehouse.session(write=True) as session:
            now = now_utc()
            with self._lease.held(session, now):
                quarantined = self._log.write(session, progress, now)
            self._renewed_at = now
            return quarantined

    def tend(self) -> None:
        """What cannot wait for the next answer: a job or a Retry-After may take longer than the lease lasts.

        Raises:
            WarehouseError: a group could not be written.
        """
        if self._writing is not None and self._writing.done():
            self._wait()
        if self.lease_age > LEASE_SECONDS / 4:
            with self._warehouse.session(write=True) as session:
                now = now_utc()
                with self._lease.held(session, now):
                    pass
                self._renewed_at = now

    @property
    def lease_age(self) -> float:
        """Seconds since it was last renewed."""
        return (now_utc() - self._renewed_at).total_seconds()
