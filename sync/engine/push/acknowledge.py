"""What became of each row, as acknowledgements: kept at once (`keep`), in groups in the warehouse (`groups`), and counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

from sync.engine.plan.spool import PlanSpool
from sync.engine.push.groups import Groups
from sync.engine.push.keep import Keeper
from sync.engine.push.lease_watch import LeaseWatch
from sync.engine.push.rows import Batch, PlannedRow, RowReader
from sync.engine.push.sender import Outcome
from sync.engine.retry import Retrier
from sync.engine.scrub import code, scrub, scrub_row
from sync.errors import DestinationError, HeadwaterError
from sync.records import Action, RowError
from sync.state.journal import Journal
from sync.state.leases import Leases
from sync.state.ledger import UNKNOWN
from sync.state.runs import UNKNOWN_STATUS, BatchNote, Progress, Refused, RunLog
from sync.warehouses.base import Warehouse, now_utc

if TYPE_CHECKING:
    from sync.arrow import pa
    from sync.engine.context import SyncResult, Watcher

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
        lost: Action | None = None,
        claims: bool = False,
        creates: bool = False,
    ) -> None:
        """`lost` is what a row is whose answer was lost, where that must be known; `claims` says that each is marked before it is sent,
        `creates` that what is there already is left as it is.
        """
        self._log = log
        self._result = result
        self._watcher = watcher
        self._lost = lost
        self._creates = creates
        self._keeper = Keeper(
            journal,
            name=result.name,
            intends=lost is not None and not claims,
            group_seconds=warehouse.dialect.group_seconds,
            watcher=watcher,
        )
        self._groups = Groups(
            warehouse,
            log,
            lease,
            name=result.name,
            retrier=retrier,
            watcher=watcher,
            written=self._keeper.drop,
            refused=self._keeper.refused,
        )
        self._watch = LeaseWatch(warehouse, lease, name=result.name, retrier=retrier)
        self.dropped = 0  # rows of a whole set that were sent before, and are refused now
        self.error: DestinationError | None = None

    @property
    def blocked(self) -> HeadwaterError | None:
        """Why nothing more may be sent: nothing can be written down."""
        return self._keeper.blocked

    @property
    def wrote_ahead(self) -> bool:
        """Whether the warehouse has attempts of this run beside what came of them."""
        return self._keeper.wrote_ahead

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is written any more when this returns; a group that was not is in the journal."""
        self._groups.close()
        self._keeper.close()

    def claim(self, batch: Batch) -> bool:
        """Mark events before they are sent: at most once means that a crash may lose one, and never repeat it.

        False when that cannot be written: they must not be sent.
        """
        claimed = self._marked(batch.rows, Action.CLAIM, batch.number)
        return self._keeper.write_ahead(claimed, self._groups.write)

    def check_lease(self) -> None:
        """Asked before each request, a repeated one too.

        Raises:
            HeadwaterError: the lease is not, or may not be, this run's any more.
        """
        self._watch.check()

    def intend(self, batch: Batch, *, claimed: bool = False) -> pa.Table | None:
        """Keep what is about to be sent, and room for the answer; None when neither journal nor warehouse takes it: it must not be sent.

        Rows whose answer never comes may be there: who leaves the table later is still removed. Called by the thread that sends.
        What must not count as sent is written as that.
        """
        self.check_lease()
        action = self._lost or Action.REPEAT
        table = self._marked(batch.rows, action, batch.number, row_hash=UNKNOWN)
        if self._keeper.is_kept(batch.number, table):
            return table
        if claimed:  # is written down already
            return table
        if not self._keeper.writes_ahead:
            # The intents are in the warehouse, and say enough unless a journal that is not whole says more.
            return None if self.blocked else table
        # The warehouse has shown then that it takes as much as the answer will say.
        return table if self._keeper.write_ahead(table, self._groups.write) else None

    def journal(self, outcome: Outcome, intended: pa.Table, *, claimed: bool = False) -> Outcome:
        """Keep what the answer said before anything else can happen. Called by the thread that got it."""
        batch, decided = outcome.batch, list[Any]()
        places = _places(batch.rows, [item.key for item in outcome.accepted])
        if places:
            decided.append(self._decided(outcome, intended, places))
        # Whatever else is known: an event surely not taken is free again, what may have been taken is in doubt.
        others = _surely_not_taken(outcome) if claimed else _maybe_taken(outcome)
        action = Action.RELEASE if claimed else self._lost
        if others and action:
            row_hash = UNKNOWN if action is Action.ATTEMPT else None
            rest = _places(batch.rows, list(others))
            decided.append(self._log.decided(intended, rest, action=action, row_hash=row_hash))
        if outcome.passed_over:
            decided.extend(self._passed_over(outcome, intended))
        if decided:
            from sync.arrow import pa

            outcome.acknowledgements = pa.concat_tables(decided)
            self._keeper.keep(batch.number, outcome.acknowledgements)
        else:
            self._keeper.drop([batch.number])
        return outcome

    def _decided(self, outcome: Outcome, intended: pa.Table, places: Sequence[int]) -> pa.Table:
        """What was accepted, and how often each action was."""
        rows = [outcome.batch.rows[place] for place in places]
        remote_ids = [
            item.remote_id or row.record.remote_id
            for item, row in zip(outcome.accepted, rows, strict=True)
        ]
        if outcome.batch.action == Action.OUTDATED:
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
            identifiers=self._went_with(outcome, rows),
        )

    def _passed_over(self, outcome: Outcome, intended: pa.Table) -> list[pa.Table]:
        """What is there and was left is not asked for again; what is not there is not held, and is."""
        rows = {row.record.key: row for row in outcome.batch.rows}
        if self._creates:
            places = _places(outcome.batch.rows, outcome.passed_over)
            hashes = [rows[key].row_hash for key in outcome.passed_over]
            return [self._log.decided(intended, places, action=Action.ADD, row_hash=hashes)]
        gone = [key for key in outcome.passed_over if rows[key].action != Action.ADD]
        if not gone:
            return []
        places = _places(outcome.batch.rows, gone)
        return [self._log.decided(intended, places, action=Action.FORGET)]

    def _went_with(self, outcome: Outcome, rows: Sequence[PlannedRow]) -> list[str | None] | None:
        """The identifiers that rows were taken with, as JSON text; None where they are those that were meant."""
        without = outcome.went_without
        if not without:
            return None
        return [
            row.sent
            if (record := without.get(row.record.key)) is None
            # Written as everything that is sent: names in order.
            else json.dumps(dict(sorted(record.identifiers.items())), ensure_ascii=False)
            for row in rows
        ]

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

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """Acknowledge what these batches came to; the warehouse is written when there is enough, or it is time."""
        for outcome in outcomes:
            group = self._groups.gathering
            if outcome.acknowledgements is not None:
                group.acknowledged.append(outcome.acknowledgements)
                self._groups.add_batch(outcome.batch.number)
            for action, count in outcome.taken.items():
                self._count(action, count)
            self._note_left_out(outcome)
            self._result.passed_over += len(outcome.passed_over)
            self._add_refused(group, outcome)
            if outcome.error is not None:
                self._add_error(outcome, outcome.error)
            self._note_batch(group, outcome)
            done = len(outcome.accepted) + len(outcome.failed) + len(outcome.passed_over)
            if outcome.batch.action != Action.OUTDATED:
                self._watcher.advanced(self._result.name, done)
        if self._keeper.writes_ahead:
            self.flush()
        else:
            self._groups.hand_over_if_due()

    def _note_left_out(self, outcome: Outcome) -> None:
        """Count what rows went without, of those that were taken."""
        if not outcome.went_without:
            return
        rows = {row.record.key: row.record for row in outcome.batch.rows}
        for item in outcome.accepted:
            if (went := outcome.went_without.get(item.key)) is not None:
                self._result.left_out.update(
                    name for name in rows[item.key].identifiers if name not in went.identifiers
                )

    @property
    def seconds_left(self) -> float:
        """Until the group that is gathering must be written."""
        return self._groups.seconds_left

    def flush(self) -> None:
        """Return when all that was gathered is written.

        Raises:
            WarehouseError: it is not; the journal has it.
        """
        self._groups.flush()

    def tend(self) -> None:
        """What cannot wait for the next answer.

        Raises:
            WarehouseError: a group could not be written.
        """
        self._groups.tend()

    def take_refusals(self, outcome: Outcome) -> None:
        """Of a batch that is not in force yet, only what was refused is known."""
        progress = Progress()
        self._add_refused(progress, outcome)
        self._note_batch(progress, outcome)
        self._groups.write(progress)
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
                row for row in batch.rows if row.action != Action.ADD and row.record.key in refused
            ]
            if lacking:
                progress.acknowledged.append(self._marked(lacking, Action.FORGET, batch.number))
                self.dropped += sum(1 for row in lacking if row.action == "unchanged")
            for action, count in Counter(row.action for row in rows).items():
                self._count(action, count)
            if progress.rows >= self._groups.rows:
                self._groups.write(progress)
                progress = Progress()
        self._groups.write(progress)

    def refuse(self, spool: PlanSpool) -> None:
        """Rows that hold a value which cannot go: they fail before anything is sent, and stop no other row."""
        for batch in spool.refused.batches():
            rows = [
                Refused(action, RowError(key, VALUE, reason, retryable=False), row_hash)
                for action, key, row_hash, reason in zip(*batch.to_pydict().values(), strict=True)
            ]
            self._result.failed += len(rows)
            self._watcher.log("values_refused", sync=self._result.name, rows=len(rows))
            self._groups.write(Progress(refused=rows))

    def forget_refused(self, spool: PlanSpool) -> None:
        """A whole set that is in force lacks them now, whatever was sent before."""
        for batch in spool.refused.batches():
            from sync.arrow import pc

            held = batch.filter(pc.not_equal(batch.column("action"), Action.ADD.value))
            keys = held.column("sync_key").to_pylist()
            if keys:
                forgotten = self._log.acknowledgements(
                    keys,
                    action=Action.FORGET,
                    row_hash=None,
                    identifiers=None,
                    remote_id=None,
                    batch_number=0,
                    now=now_utc(),
                )
                self._groups.write(Progress([forgotten]))

    def forget(self, reader: RowReader, spool: PlanSpool) -> None:
        """Drop keys from the ledger that ask nothing of the destination."""
        chunks = reader.read(spool.forgotten.batches())
        self._groups.write(Progress([self._marked(chunk, Action.FORGET, 0) for chunk in chunks]))

    def doubt(self, reader: RowReader, spool: PlanSpool) -> None:
        """Before the first removal: whoever loses an identifier together with another may be there or not from here on."""
        for chunk in reader.read_held(spool.doubted.batches()):
            self._groups.write(Progress([self._marked(chunk, Action.ATTEMPT, 0, row_hash=UNKNOWN)]))

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
        if not (outcome.unknown or outcome.failed):
            return
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
            action = Action.CHANGE if row.action == Action.OUTDATED else row.action
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
            case Action.ADD:
                self._result.added += count
            case Action.CHANGE:
                self._result.changed += count
            case Action.REMOVE:
                self._result.removed += count


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
