"""Writes down what destinations took: grouped while others are in flight, tried again when the warehouse balks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sync.engine.retry import Retrier
from sync.engine.rows import Batch, PlannedRow, RowReader
from sync.engine.scrub import scrub
from sync.engine.sender import Outcome
from sync.engine.spool import PlanSpool
from sync.errors import (
    AuthError,
    DestinationError,
    HeadwaterError,
    RateLimitedError,
    WarehouseError,
)
from sync.records import RowError
from sync.state.leases import LEASE_SECONDS, Leases
from sync.state.runs import Acknowledged, BatchNote, Progress, Refused, RunLog
from sync.warehouses.base import Warehouse, now_utc

if TYPE_CHECKING:
    from sync.engine.pusher import SyncResult, Watcher

GROUP_ROWS = 20_000
TRIES = 6


class Acknowledger:
    """One sync's way back to the warehouse: check, send, and only then mark."""

    def __init__(
        self, warehouse: Warehouse, log: RunLog, lease: Leases, result: SyncResult, *,
        retrier: Retrier, watcher: Watcher,
    ) -> None:  # fmt: skip
        self._warehouse = warehouse
        self._log = log
        self._lease = lease
        self._result = result
        self._retrier = retrier
        self._watcher = watcher
        self._renewed_at = now_utc()
        self.error: DestinationError | None = None

    def claim(self, batch: Batch) -> None:
        """Mark events before they are sent: at most once means that a crash may lose one, and never repeat it."""
        self._write(
            Progress(acknowledged=[_taken("claim", row, None, batch.number) for row in batch.rows])
        )

    def take(self, outcomes: Sequence[Outcome], *, claimed: bool = False) -> None:
        """Acknowledge what these batches came to."""
        progress = Progress()
        for outcome in outcomes:
            self._add(progress, outcome, claimed)
        self._write(progress)
        for outcome in outcomes:
            self._watcher.advanced(self._result.name, len(outcome.accepted) + len(outcome.failed))

    def take_refusals(self, outcome: Outcome) -> None:
        """Of a batch that is not in force yet, only what was refused is known."""
        progress = Progress()
        rows = {row.record.key: row for row in outcome.batch.rows}
        self._add_refused(progress, outcome, rows)
        self._note_batch(progress, outcome)
        self._write(progress)
        self._watcher.advanced(self._result.name, len(outcome.batch.rows))

    def take_all(self, batches: Iterable[Batch], refused: set[str]) -> None:
        """Acknowledge a whole set that is in force now, but for the refused keys."""
        progress = Progress()
        for batch in batches:
            for row in batch.rows:
                if row.action != "unchanged" and row.record.key not in refused:
                    progress.acknowledged.append(_taken(row.action, row, None, batch.number))
                    self._count(row.action)
            if len(progress.acknowledged) >= GROUP_ROWS:
                self._write(progress)
                progress = Progress()
        self._write(progress)

    def forget(self, reader: RowReader, spool: PlanSpool) -> None:
        """Drop keys from the ledger that ask nothing of the destination."""
        progress = Progress()
        for row in reader.read(spool.forgotten.batches()):
            progress.acknowledged.append(_taken("forget", row, None, 0))
        self._write(progress)

    def _add(self, progress: Progress, outcome: Outcome, claimed: bool) -> None:
        rows = {row.record.key: row for row in outcome.batch.rows}
        number = outcome.batch.number
        for accepted in outcome.accepted:
            row = rows[accepted.key]
            progress.acknowledged.append(_taken(row.action, row, accepted.remote_id, number))
            self._count(row.action)
        self._add_refused(progress, outcome, rows)
        if claimed:
            # The vendor said no to these: they were not sent, so the claim is given back.
            for error in outcome.failed:
                progress.acknowledged.append(_taken("release", rows[error.key], None, number))
        if outcome.error is not None:
            if claimed and isinstance(outcome.error, AuthError | RateLimitedError):
                decided = {item.key for item in outcome.accepted}
                decided |= {refused.key for refused in outcome.failed}
                for key in rows.keys() - decided:
                    progress.acknowledged.append(_taken("release", rows[key], None, number))
            self.error = outcome.error
            self._watcher.log(
                "batch_failed",
                sync=self._result.name,
                batch=number,
                error=type(outcome.error).__name__,
                message=scrub(outcome.error.message),
            )
        self._note_batch(progress, outcome)

    def _add_refused(
        self, progress: Progress, outcome: Outcome, rows: dict[str, PlannedRow]
    ) -> None:
        for error in outcome.failed:
            row = rows[error.key]
            clean = RowError(error.key, error.status, scrub(error.message), error.retryable)
            progress.refused.append(Refused(row.action, clean, row.row_hash))
            self._result.failed += 1

    def _note_batch(self, progress: Progress, outcome: Outcome) -> None:
        undecided = len(outcome.batch.rows) - len(outcome.accepted) - len(outcome.failed)
        self._result.requests += outcome.requests
        self._result.batches += 1
        progress.batches.append(
            BatchNote(
                number=outcome.batch.number,
                action=outcome.batch.action,
                row_count=len(outcome.batch.rows),
                failed_count=len(outcome.failed) + (undecided if outcome.error else 0),
                request_count=outcome.requests,
                seconds=outcome.seconds,
            )
        )

    def _count(self, action: str) -> None:
        match action:
            case "add":
                self._result.added += 1
            case "change":
                self._result.changed += 1
            case "remove":
                self._result.removed += 1

    def _write(self, progress: Progress) -> None:
        """Write until it is written. What a destination took and we cannot mark would be sent again."""
        if not progress:
            return
        for attempt in range(1, TRIES + 1):
            try:
                with self._warehouse.session(write=True) as session:
                    now = now_utc()
                    if (now - self._renewed_at).total_seconds() > LEASE_SECONDS / 4:
                        if not self._lease.renew(session, now):
                            raise HeadwaterError(
                                f"sync '{self._result.name}': another run took over its lease.",
                                hint="one run per sync at a time; this one stops here.",
                            )
                        self._renewed_at = now
                    with session.transaction():
                        quarantined = self._log.write(session, progress, now)
                break
            except WarehouseError as error:
                rows = len(progress.acknowledged)
                self._watcher.log(
                    "not_acknowledged", sync=self._result.name, rows=rows, message=error.message
                )
                if attempt == TRIES or not self._retrier.pause(
                    self._retrier.policy.base_seconds * 2**attempt
                ):
                    raise WarehouseError(
                        f"sync '{self._result.name}': {rows:,} rows were taken by the destination "
                        f"but could not be acknowledged: {error.message}",
                        hint="mend the warehouse and push again: these rows are sent again, with "
                        "the same keys.",
                    ) from error
        if quarantined:
            self._watcher.log("quarantined", sync=self._result.name, rows=quarantined)


def _taken(action: str, row: PlannedRow, remote_id: str | None, batch_number: int) -> Acknowledged:
    return Acknowledged(
        action, row.record, row.row_hash, remote_id or row.record.remote_id, batch_number
    )
