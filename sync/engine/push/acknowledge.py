"""Writes down what destinations took: at once in a local journal, in groups in the warehouse."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

from sync.engine.plan.spool import PlanSpool
from sync.engine.push.rows import Batch, PlannedRow, RowReader
from sync.engine.push.sender import Outcome
from sync.engine.retry import Retrier
from sync.engine.scrub import code, scrub, scrub_row
from sync.errors import DestinationError, HeadwaterError, WarehouseError
from sync.records import Action, RowError
from sync.state.journal import Journal
from sync.state.leases import LEASE_SECONDS, Leases
from sync.state.ledger import UNKNOWN
from sync.state.runs import UNKNOWN_STATUS, BatchNote, Progress, Refused, RunLog
from sync.warehouses.base import Warehouse, now_utc

if TYPE_CHECKING:
    import pyarrow as pa

    from sync.engine.context import SyncResult, Watcher

TRIES = 6
AHEAD_SECONDS = 10.0
VALUE = "value"  # status of a row that holds what cannot go exactly


class Acknowledger:
    """One sync's way back to the warehouse: check, send, and only then mark."""

    def __init__(
        self,
        warehouse: Warehouse,
        log: RunLog,
        lease: Leases,
        journal: Journal,
        result: SyncResult,
        *,
        retrier: Retrier,
        watcher: Watcher,
        intends: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._warehouse = warehouse
        self._log = log
        self._lease = lease
        self._journal = journal
        self._result = result
        self._retrier = retrier
        self._watcher = watcher
        self._intends = intends
        self._clock = clock
        self._renewed_at = now_utc()
        self._group = Progress()
        self._group_began = clock()
        self._group_seconds = warehouse.dialect.group_seconds
        self._group_rows = warehouse.dialect.group_rows
        self._journalled: list[int] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"{result.name}-acknowledge")
        self._writing: Future[None] | None = None
        self._ahead = threading.Lock()
        self._journal_error: OSError | None = None  # nothing is kept on disk any more
        self.wrote_ahead = False
        self.dropped = 0  # rows of a whole set that were sent before, and are refused now
        self.blocked: HeadwaterError | None = None  # nothing can be written down: nothing is sent
        self.error: DestinationError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is written any more when this returns; a group that was not is in the journal."""
        self._writer.shutdown()
        self._journal.close()

    def claim(self, batch: Batch) -> bool:
        """Mark events before they are sent: at most once means that a crash may lose one, and never repeat it.

        False when that cannot be written: they must not be sent.
        """
        return self._write_ahead(self._marked(batch.rows, "claim", batch.number))

    def intend(self, batch: Batch, *, claimed: bool = False) -> pa.Table | None:
        """Keep what is about to be sent, and room for the answer; None when neither journal nor warehouse takes it: it must not be sent.

        Rows whose answer never comes may be there: who leaves the table later is still removed. Called by the thread that sends.
        Events are left out: one that may be there must not count as sent.
        """
        if self._lease_age() > LEASE_SECONDS:  # the process slept, and another may be at it
            raise HeadwaterError(
                f"sync '{self._result.name}': its lease has expired.",
                hint="the process was stopped for too long; push again.",
            )
        table = self._marked(batch.rows, "attempt", batch.number, row_hash=UNKNOWN)
        if self._is_kept(batch.number, table):
            return table
        if claimed:  # is written down already
            return table
        if not self._is_written_ahead:
            # The intents are in the warehouse, and say enough unless a journal that is not whole says more.
            return None if self.blocked else table
        # What must not count as sent is written as that; either way the warehouse has shown that it takes as much.
        ahead = table if self._intends else self._marked(batch.rows, "release", batch.number)
        return table if self._write_ahead(ahead) else None

    def _is_kept(self, number: int, intended: pa.Table) -> bool:
        """Whether the journal has what is about to be sent, and room for the answer."""
        if self._journal_error is not None:
            return False
        try:
            if self._intends:
                self._journal.write(number, intended)
            self._journal.reserve(number, intended)
        except OSError as error:
            self._lose_journal(error)
            return False
        return True

    @property
    def _is_written_ahead(self) -> bool:
        """Without a journal a local warehouse is written batch by batch; one in the cloud takes too few writes a day for that."""
        return self._group_seconds < AHEAD_SECONDS

    def _write_ahead(self, table: pa.Table) -> bool:
        with self._ahead:
            if self.blocked is None:
                self.wrote_ahead = True
                try:
                    self._write(Progress([table]))
                except WarehouseError as error:
                    self._block(error)
            return self.blocked is None

    def _lose_journal(self, error: OSError) -> None:
        if self._journal_error is None:
            self._journal_error = error
            self._resign()
            self._watcher.log(
                "journal_failed",
                sync=self._result.name,
                error=type(error).__name__,
                reason=_reason(error),
            )

    def _resign(self) -> None:
        """The journal must not say any more that it has all; where it cannot be told so, the warehouse must have it, or nothing is sent."""
        try:
            self._journal.resign()
        except OSError as error:
            if not self._is_written_ahead:
                self.blocked = HeadwaterError(
                    f"sync '{self._result.name}': stopped, since what is sent could not be written down: "
                    f"the journal says '{_reason(error)}'.",
                    hint="make room or mend it, and push again: it goes on from here.",
                )

    def _block(self, error: WarehouseError) -> None:
        """Nothing more is sent in this run."""
        journal = (
            f"the journal says '{_reason(self._journal_error)}', " if self._journal_error else ""
        )
        self.blocked = self.blocked or HeadwaterError(
            f"sync '{self._result.name}': stopped, since what is sent could not be written down: "
            f"{journal}the warehouse '{error.message}'.",
            hint="make room or mend them, and push again: it goes on from here.",
        )

    def journal(self, outcome: Outcome, intended: pa.Table, *, claimed: bool = False) -> Outcome:
        """Keep what the answer said before anything else can happen. Called by the thread that got it."""
        batch, decided = outcome.batch, list[Any]()
        places = _places(batch.rows, [item.key for item in outcome.accepted])
        if places:
            decided.append(self._decided(outcome, intended, places))
        # Whatever else is known: an event surely not taken is free again, what may have been taken is in doubt.
        others = _surely_not_taken(outcome) if claimed else _maybe_taken(outcome)
        if others and (claimed or self._intends):
            action, row_hash = ("release", None) if claimed else ("attempt", UNKNOWN)
            rest = _places(batch.rows, list(others))
            decided.append(self._log.decided(intended, rest, action=action, row_hash=row_hash))
        if decided:
            import pyarrow as pa

            outcome.acknowledgements = pa.concat_tables(decided)
            self._keep(batch.number, outcome.acknowledgements)
        else:
            self._journal.drop([batch.number])
        return outcome

    def _decided(self, outcome: Outcome, intended: pa.Table, places: Sequence[int]) -> pa.Table:
        """What was accepted, and how often each action was."""
        rows = [outcome.batch.rows[place] for place in places]
        remote_ids = [
            item.remote_id or row.record.remote_id
            for item, row in zip(outcome.accepted, rows, strict=True)
        ]
        if outcome.batch.action == "outdated":
            # What replaces an outdated identifier follows; until then all of it may be there.
            return self._log.decided(
                intended, places, action=Action.OUTDATED, row_hash=UNKNOWN, remote_id=remote_ids
            )
        actions = [row.action for row in rows]
        outcome.taken = Counter(actions)
        return self._log.decided(
            intended,
            places,
            action=actions,
            row_hash=[row.row_hash for row in rows],
            remote_id=remote_ids,
        )

    def _marked(
        self,
        rows: Sequence[PlannedRow],
        action: str | None,
        number: int,
        *,
        row_hash: str | None = None,
    ) -> pa.Table:
        """`rows` with one action, or each with its own; `row_hash` instead of their own."""
        return self._log.acknowledgements(
            [row.record.key for row in rows],
            action=action or [row.action for row in rows],
            row_hash=row_hash or [row.row_hash for row in rows],
            identifiers=[row.sent for row in rows],
            remote_id=[row.record.remote_id for row in rows],
            batch_number=number,
            now=now_utc(),
        )

    def _keep(self, number: int, table: pa.Table) -> None:
        try:
            self._journal.write(number, table)
        except OSError as error:
            self._lose_journal(error)

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """Acknowledge what these batches came to; the warehouse is written when there is enough, or it is time."""
        for outcome in outcomes:
            if not self._group:
                self._group_began = self._clock()
            if outcome.acknowledgements is not None:
                self._group.acknowledged.append(outcome.acknowledgements)
                self._journalled.append(outcome.batch.number)
            for action, count in outcome.taken.items():
                self._count(action, count)
            self._add_refused(self._group, outcome)
            if outcome.error is not None:
                self._add_error(outcome, outcome.error)
            self._note_batch(self._group, outcome)
            done = len(outcome.accepted) + len(outcome.failed)
            if outcome.batch.action != "outdated":
                self._watcher.advanced(self._result.name, done)
        if self._journal_error is not None and self._is_written_ahead:
            self.flush()
        elif self._group.rows >= self._group_rows or self.seconds_left <= 0:
            self._hand_over()

    @property
    def seconds_left(self) -> float:
        """Until the group that is gathering must be written; it gathers on while another is written."""
        if not self._group or (self._writing is not None and not self._writing.done()):
            return self._group_seconds
        return self._group_seconds - (self._clock() - self._group_began)

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
        group, numbers = self._group, self._journalled
        self._group, self._journalled = Progress(), []
        self._writing = self._writer.submit(self._put, group, numbers)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _put(self, group: Progress, numbers: Sequence[int]) -> None:
        self._write(group)
        self._journal.drop(numbers)

    def take_refusals(self, outcome: Outcome) -> None:
        """Of a batch that is not in force yet, only what was refused is known."""
        progress = Progress()
        self._add_refused(progress, outcome)
        self._note_batch(progress, outcome)
        self._write(progress)
        self._watcher.advanced(self._result.name, len(outcome.batch.rows))

    def take_all(self, batches: Iterable[Batch], refused: set[str]) -> None:
        """Acknowledge a whole set that is in force now, but for the refused keys."""
        progress = Progress()
        for batch in batches:
            rows = [
                row
                for row in batch.rows
                if row.action != "unchanged" and row.record.key not in refused
            ]
            if rows:
                progress.acknowledged.append(self._marked(rows, None, batch.number))
            # The set in force lacks them, whatever was sent before.
            lacking = [
                row for row in batch.rows if row.action != "add" and row.record.key in refused
            ]
            if lacking:
                progress.acknowledged.append(self._marked(lacking, Action.FORGET, batch.number))
                self.dropped += sum(1 for row in lacking if row.action == "unchanged")
            for action, count in Counter(row.action for row in rows).items():
                self._count(action, count)
            if progress.rows >= self._group_rows:
                self._write(progress)
                progress = Progress()
        self._write(progress)

    def refuse(self, spool: PlanSpool) -> None:
        """Rows that hold a value which cannot go: they fail before anything is sent, and stop no other row."""
        for batch in spool.refused.batches():
            rows = [
                Refused(action, RowError(key, VALUE, reason, retryable=False), row_hash)
                for action, key, row_hash, reason in zip(*batch.to_pydict().values(), strict=True)
            ]
            self._result.failed += len(rows)
            self._watcher.log("values_refused", sync=self._result.name, rows=len(rows))
            self._write(Progress(refused=rows))

    def forget_refused(self, spool: PlanSpool) -> None:
        """A whole set that is in force lacks them now, whatever was sent before."""
        for batch in spool.refused.batches():
            import pyarrow.compute as pc

            held = batch.filter(pc.not_equal(batch.column("action"), "add"))
            keys = held.column("sync_key").to_pylist()
            if keys:
                forgotten = self._log.acknowledgements(
                    keys,
                    action="forget",
                    row_hash=None,
                    identifiers=None,
                    remote_id=None,
                    batch_number=0,
                    now=now_utc(),
                )
                self._write(Progress([forgotten]))

    def forget(self, reader: RowReader, spool: PlanSpool) -> None:
        """Drop keys from the ledger that ask nothing of the destination."""
        chunks = reader.read(spool.forgotten.batches())
        self._write(Progress([self._marked(chunk, "forget", 0) for chunk in chunks]))

    def doubt(self, reader: RowReader, spool: PlanSpool) -> None:
        """Before the first removal: whoever loses an identifier together with another may be there or not from here on."""
        for chunk in reader.read_held(spool.doubted.batches()):
            self._write(Progress([self._marked(chunk, "attempt", 0, row_hash=UNKNOWN)]))

    def _add_error(self, outcome: Outcome, error: DestinationError) -> None:
        self.error = error
        self._watcher.log(
            "batch_failed",
            sync=self._result.name,
            batch=outcome.batch.number,
            error=type(error).__name__,
            message=scrub(error.message),
        )

    def _add_refused(self, progress: Progress, outcome: Outcome) -> None:
        rows = {row.record.key: row for row in outcome.batch.rows}
        for key in outcome.unknown:
            lost = RowError(key, UNKNOWN_STATUS, "its answer was lost, and it is not sent again")
            row = rows[key]
            progress.refused.append(Refused(row.action, lost, row.row_hash, aside=True))
        for error in outcome.failed:
            row = rows[error.key]
            record = row.record
            said = [record.key, *record.identifiers.values(), *record.fields.values()]
            clean = RowError(
                error.key, code(error.status, said), scrub_row(error.message, said), error.retryable
            )
            action = "change" if row.action == "outdated" else row.action
            counts = not (outcome.blameless and error.retryable)
            progress.refused.append(Refused(action, clean, row.row_hash, counts=counts))
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

    def _count(self, action: str, count: int = 1) -> None:
        match action:
            case "add":
                self._result.added += count
            case "change":
                self._result.changed += count
            case "remove":
                self._result.removed += count

    def _write(self, progress: Progress) -> None:
        """Write until it is written: what a destination took and nobody marked would be sent again."""
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
                    sync=self._result.name,
                    rows=progress.rows,
                    message=error.message,
                )
                if self._journal_error is not None:
                    self._block(error)
                pause = self._retrier.policy.base_seconds * 2**attempt
                if attempt == TRIES or not self._retrier.pause(pause):
                    raise WarehouseError(
                        f"sync '{self._result.name}': {progress.rows:,} rows were taken by the "
                        f"destination but could not be acknowledged: {error.message}",
                        hint="mend the warehouse and push again: what .headwater/journal kept of "
                        "them is marked then, and not sent twice.",
                    ) from error
        if quarantined:
            self._watcher.log("quarantined", sync=self._result.name, rows=quarantined)

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
        if self._lease_age() > LEASE_SECONDS / 4:
            with self._warehouse.session(write=True) as session:
                now = now_utc()
                with self._lease.held(session, now):
                    pass
                self._renewed_at = now

    def _lease_age(self) -> float:
        return (now_utc() - self._renewed_at).total_seconds()


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _surely_not_taken(outcome: Outcome) -> set[str]:
    """Rows the vendor refused, or was never asked to take."""
    return (outcome.undecided | {error.key for error in outcome.failed}) - outcome.maybe


def _maybe_taken(outcome: Outcome) -> set[str]:
    """Rows of a request whose answer was lost: they may be there, whatever was said when it was repeated."""
    return (outcome.undecided | {error.key for error in outcome.failed}) & outcome.maybe


def _places(rows: Sequence[PlannedRow], keys: list[str]) -> Sequence[int]:
    """Where `keys` stand in `rows`; mostly all of them, in order."""
    if len(keys) == len(rows) and keys == [row.record.key for row in rows]:
        return range(len(rows))
    places = {row.record.key: place for place, row in enumerate(rows)}
    return [places[key] for key in keys]
