"""One batch to its end: sent, retried, halved where one bad row spoils it, polled where a job decides."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sync.destinations.answers import Fault, raised
from sync.destinations.base import (
    CreatesOnly,
    Delivery,
    Destination,
    MergesRecords,
    PollsJobs,
    RemovesMembers,
    ReplacesAll,
    SendsEvents,
    UpdatesOnly,
)
from sync.engine.limits import permitted
from sync.engine.push.rows import Batch
from sync.engine.retry import CircuitBreaker, Retrier
from sync.errors import (
    AuthError,
    DestinationError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnexpectedAnswerError,
)
from sync.records import Accepted, Action, BatchResult, JobStatus, Mode, Record, RowError

# Rows of a refused request that are tried alone before any was taken: refused every one, the request is wrong, and not a row of it.
PROBES = 24
JOB_PROBES = 4  # where each is a job that may take half an hour
NARROWING = 128  # jobs that one batch may take to find the rows that the first refused
SEARCH = 2000  # requests that one batch may take to find them; the next push goes on
LONGEST_PAUSE = 60.0  # between two questions about a job


@dataclass(slots=True)
class Outcome:
    """What became of a batch. Rows in neither list are undecided: nothing is known to have been taken."""

    batch: Batch
    accepted: list[Accepted] = field(default_factory=list)
    failed: list[RowError] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    error: DestinationError | None = None  # why rows are undecided
    maybe: set[str] = field(default_factory=set)  # an answer was lost: they may have been taken
    unproven: set[str] = field(
        default_factory=set
    )  # refused with a whole request, by no code known
    blameless: bool = False  # all were refused alike: no row's fault, and no row's count
    unknown: list[str] = field(default_factory=list)  # may have been taken, and are not sent again
    requests: int = 0
    seconds: float = 0.0
    jobs: int = 0
    works: bool = False  # a job took some rows of this batch, so the request is not what is wrong
    waited: float = 0.0  # seconds for jobs
    # Rows that went without an identifier that is another record's, and what they went with.
    went_without: dict[str, Record] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)  # accepted rows by action
    acknowledgements: Any = None  # an Arrow table, once they are journalled

    @property
    def undecided(self) -> set[str]:
        """Keys of the batch of which nothing is known."""
        decided = {item.key for item in self.accepted} | {error.key for error in self.failed}
        return {row.record.key for row in self.batch.rows} - decided - set(self.passed_over)


class BatchSender:
    """Sends batches of one sync; safe to call from several threads."""

    def __init__(
        self,
        destination: Destination,
        *,
        mode: Mode,
        delivery: Delivery,
        retrier: Retrier,
        breaker: CircuitBreaker,
        slots: AbstractContextManager[object],
        job_seconds: float = 900.0,
        clock: Callable[[], float] = time.monotonic,
        conflicts: Mapping[str, tuple[str, ...]] | None = None,
        left_out: tuple[str, ...] = (),
        merges: bool = False,
        permit: Callable[[], None] = lambda: None,
    ) -> None:
        """`conflicts` are the vendor's codes by which an identifier is another record's, `left_out` identifiers that a row then goes
        without. `merges` says that who became somebody else is told so. `permit` raises where this run may send nothing any more.
        """
        self._destination = destination
        self._mode = mode
        # Whether rows whose answer was lost may be sent again.
        self._repeats = mode is not Mode.EVENT or delivery is not Delivery.AT_MOST_ONCE
        self._retrier = retrier
        self._breaker = breaker
        self._slots = slots
        self._job_seconds = job_seconds
        self._clock = clock
        self._conflicts = conflicts or {}
        self._left_out = left_out
        self._merges = merges
        self._permit = permit
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Wait for no job any more: nobody is left to acknowledge it."""
        self._cancelled.set()

    def send(self, batch: Batch) -> Outcome:
        """Send `batch`; what goes wrong is in the outcome. A slot is held while a request is under way, not while one is waited for."""
        outcome = Outcome(batch)
        began = self._clock()
        if batch.too_large:
            key = batch.rows[0].record.key
            outcome.failed.append(
                RowError(key, "too_large", "the row alone is larger than a request may be", False)
            )
        else:
            try:
                self._send_asked(batch, outcome)
                self._go_without(batch, outcome)
            except DestinationError as error:
                outcome.error = error
            self._say_conflicts(outcome)
            judge(outcome, self._conflicts)
            if not self._repeats:
                outcome.unknown = sorted(outcome.undecided & outcome.maybe)
        outcome.seconds = self._clock() - began
        if outcome.accepted or outcome.passed_over:
            self._breaker.success()
        elif not batch.too_large:
            self._breaker.failure(outcome.error)
        return outcome

    def _go_without(self, batch: Batch, outcome: Outcome) -> None:
        """Send rows again that were refused for an identifier which is another record's, without it, where the sync wants that."""
        if not self._left_out:
            return
        records = {row.record.key: row.record for row in batch.rows}
        while True:
            again: dict[str, Record] = {}
            for error in outcome.failed:
                names = self._conflicts.get(error.status, ())
                record = outcome.went_without.get(error.key, records[error.key])
                if left := _without(record, [name for name in self._left_out if name in names]):
                    again[error.key] = left
            if not again:
                return
            outcome.failed = [error for error in outcome.failed if error.key not in again]
            outcome.unproven -= set(again)
            outcome.went_without |= again
            self._send(list(again.values()), batch.action, outcome)

    def _say_conflicts(self, outcome: Outcome) -> None:
        """Why a row is refused for what is another record's, in words: the vendor's code is a word of its own."""
        for place, error in enumerate(outcome.failed):
            if names := self._conflicts.get(error.status):
                title = self._destination.declaration.title
                said = f"the row's {' or '.join(names)} is another record's at {title}"
                outcome.failed[place] = replace(error, message=said)

    def _send_asked(self, batch: Batch, outcome: Outcome) -> None:
        """Send what asks anything; a removal of what others keep is done when it is said."""
        asked = [row.record for row in batch.rows if not row.stays]
        if asked:
            self._send(asked, batch.action, outcome)
        outcome.accepted.extend(Accepted(row.record.key) for row in batch.rows if row.stays)

    def _send(self, records: Sequence[Record], action: str, outcome: Outcome) -> None:
        """Send until every row is decided; what stops halfway is gone on with, as long as rows get through."""
        left = records
        while left:
            try:
                result = self._retrier.call(
                    partial(self._call, left, action, outcome), ambiguous=self._repeats
                )
            except RejectedError as error:
                self._find_refused(left, action, outcome, error)
                return
            outcome.requests += max(0, result.requests - 1)
            outcome.accepted.extend(result.accepted)
            outcome.failed.extend(result.failed)
            outcome.passed_over.extend(result.passed_over)
            outcome.works = outcome.works or bool(result.passed_over)
            if result.pending and result.job:
                self._await(left, action, outcome, result)
            if result.error is None:
                return
            left = self._again(left, outcome, result, result.error)

    def _again(
        self,
        records: Sequence[Record],
        outcome: Outcome,
        result: BatchResult,
        error: DestinationError,
    ) -> Sequence[Record]:
        """The rows of a batch that stopped halfway which may be sent again.

        Raises:
            DestinationError: what stopped it, when no retry helps.
        """
        decided = {item.key for item in result.accepted} | {item.key for item in result.failed}
        decided |= {*result.pending, *result.passed_over}
        unsent = set(result.unsent)
        rest = [record for record in records if record.key not in decided]
        outcome.maybe |= {record.key for record in rest} - unsent
        if not isinstance(error, TransientError):
            raise error
        again = [record for record in rest if self._repeats or record.key in unsent]
        if len(again) < len(rest):
            outcome.error = error  # says of those that are left out why nobody knows
        if again and not self._retrier.pause(error.retry_after_seconds or 0):
            raise error
        return again

    def _call(self, records: Sequence[Record], action: str, outcome: Outcome) -> BatchResult:
        outcome.requests += 1
        try:
            with self._slots, permitted(self._permit):
                result = self._sorted(self._call_once(records, action))
            if result.error is not None and not (
                result.accepted or result.failed or result.pending or result.passed_over
            ):
                raise result.error
        except RejectedError:
            raise
        except DestinationError as error:
            # Even after 401 or 429: a batch may take several requests, and the first may have been taken. Events take one.
            if self._mode is not Mode.EVENT or not error.unsent:
                outcome.maybe |= {record.key for record in records}
            raise
        return result

    def _sorted(self, result: BatchResult) -> BatchResult:
        """Rows that were refused for what is no row's fault are open: the error table knows their codes."""
        declaration = self._destination.declaration
        others = {
            error.key: verdict
            for error in result.failed
            if (verdict := declaration.verdicts.find(None, [error.status]))
            and verdict.fault is not Fault.ROW
        }
        if not others:
            return result
        first = next(error for error in result.failed if error.key in others)
        said = f"{declaration.name}: {len(others):,} rows were refused ({first.status})."
        return replace(
            result,
            failed=[error for error in result.failed if error.key not in others],
            error=result.error or raised(others[first.key], declaration.name, said),
            unsent=[*result.unsent, *others],
        )

    def _call_once(self, records: Sequence[Record], action: str) -> BatchResult:
        destination = self._destination
        if self._mode is Mode.EVENT:
            assert isinstance(destination, SendsEvents)  # noqa: S101 - the declaration says so
            return destination.send(records)
        if self._mode is Mode.REPLACE:
            assert isinstance(destination, ReplacesAll)  # noqa: S101
            return destination.write(records)
        if self._merges and action == Action.REMOVE and records[0].into is not None:
            assert isinstance(destination, MergesRecords)  # noqa: S101
            return destination.merge(records)
        if action in (Action.REMOVE, Action.OUTDATED):
            assert isinstance(destination, RemovesMembers)  # noqa: S101
            return destination.remove(records)
        if self._mode is Mode.UPDATE_ONLY:
            assert isinstance(destination, UpdatesOnly)  # noqa: S101
            return destination.update(records)
        if self._mode is Mode.CREATE_ONLY:
            assert isinstance(destination, CreatesOnly)  # noqa: S101
            return destination.create(records)
        return destination.upsert(records)

    def _find_refused(
        self, records: Sequence[Record], action: str, outcome: Outcome, error: RejectedError
    ) -> None:
        """A request was refused, maybe for some of its rows: they are found, and all others get through.

        Before any row of the batch was taken, some are tried alone: when each is refused, the request as a whole is wrong.
        """
        if len(records) == 1:
            key = records[0].key
            outcome.failed.append(RowError(key, error.code or "rejected", error.message))
            if not error.known:
                outcome.unproven.add(key)
            return
        if outcome.requests >= SEARCH:
            raise RejectedError(
                f"rows are refused with their request, and {SEARCH:,} requests did not find all of them: "
                f"{error.message}",
                "push again: it goes on from here.",
            )
        left = list(records)
        if not outcome.accepted and not outcome.works:
            probes = JOB_PROBES if outcome.jobs else PROBES
            for probe in random.sample(left, min(probes, len(left))):
                left.remove(probe)
                self._send([probe], action, outcome)
                if outcome.accepted:
                    break
            if left and not outcome.accepted:
                raise error
        middle = len(left) // 2
        for half in (left[:middle], left[middle:]):
            self._send(half, action, outcome)

    def _await(
        self, records: Sequence[Record], action: str, outcome: Outcome, result: BatchResult
    ) -> None:
        """Let a job decide its rows; those it refused without naming them are searched for."""
        outcome.jobs += 1
        pending = set(result.pending)
        before = outcome.maybe - pending
        outcome.maybe |= pending
        status = self._poll(result, outcome)
        if status.all_failed:
            outcome.maybe = before
            self._job_refused(records, pending, action, outcome, status.all_failed)
            return
        named = {error.key for error in status.failed} & pending
        unnamed = _unnamed(status, len(pending), len(named))
        outcome.failed.extend(error for error in status.failed if error.key in named)
        if unnamed or status.some_failed:
            left = [record for record in records if record.key in pending - named]
            self._narrow(left, action, outcome, status, unnamed or None)
            return
        outcome.maybe = before  # the job has decided
        ids = {row.key: row.remote_id for row in status.accepted}
        outcome.accepted.extend(
            Accepted(key, ids.get(key)) for key in result.pending if key not in named
        )

    def _job_refused(
        self, records: Sequence[Record], pending: set[str], action: str, outcome: Outcome, code: str
    ) -> None:
        """A job failed as a whole: that is its own fault, or the vendor's, or that of some rows."""
        declaration = self._destination.declaration
        said = f"{declaration.name}: a job failed as a whole ({code})."
        verdict = declaration.verdicts.find(None, code.split(", "))
        error = raised(verdict, declaration.name, said, code=code) if verdict else None
        if error is not None and not isinstance(error, RejectedError):
            raise error
        left = [record for record in records if record.key in pending]
        refusal = error or RejectedError(said, code=code)
        self._find_refused(left, action, outcome, refusal)

    def _narrow(
        self,
        records: Sequence[Record],
        action: str,
        outcome: Outcome,
        status: JobStatus,
        count: int | None,
    ) -> None:
        """A job refused some rows and does not say which: halves are sent until the bad ones stand alone, or it takes too long."""
        words = status.some_failed or "not named"
        outcome.works = outcome.works or (len(records) > 1 and count != len(records))
        most = outcome.jobs == 1 and 2 * (count or 0) > len(records)
        if len(records) == 1:
            outcome.maybe.discard(records[0].key)
            outcome.failed.append(RowError(records[0].key, "refused", words))
        elif most or outcome.jobs >= NARROWING:
            outcome.error = TransientError(
                f"a job refused {count or 'some'} of {len(records)} rows and does not say which: {words}."
            )
        else:
            middle = len(records) // 2
            self._send(records[:middle], action, outcome)
            self._send(records[middle:], action, outcome)

    def _poll(self, result: BatchResult, outcome: Outcome) -> JobStatus:
        """Ask until the job has decided."""
        destination, job = self._destination, result.job
        assert isinstance(destination, PollsJobs)  # noqa: S101
        assert job is not None  # noqa: S101
        policy = self._retrier.policy

        def ask() -> JobStatus:
            with self._slots:
                return destination.poll(job)

        pause, overtime = policy.poll_seconds, 0.0
        while not self._cancelled.is_set():
            status = self._retrier.call(ask)
            outcome.requests += 1
            if status.done:
                break
            if outcome.waited >= self._job_seconds:
                raise TransientError(f"job {job} did not finish within {outcome.waited:.0f} s.")
            if not self._retrier.pause(pause):  # to be stopped; a job that is nearly done may end
                pause = min(pause, 1.0)
                if overtime >= policy.stop_seconds or self._cancelled.wait(pause):
                    raise TransientError(f"interrupted while job {job} was running.")
                overtime += pause
            outcome.waited += pause
            pause = min(pause * 1.5, LONGEST_PAUSE)
        else:
            raise TransientError(f"given up while job {job} was running.")
        return status


def _unnamed(status: JobStatus, rows: int, named: int) -> int:
    """How many rows a job refused, or lost, without naming them.

    Raises:
        UnexpectedAnswerError: what it counts are not the rows that it was given.
    """
    refused = named if status.failed_count is None else status.failed_count
    taken = rows - refused if status.taken_count is None else status.taken_count
    # Some count as done what they refused too.
    agree = taken <= rows - refused or taken == rows
    if status.total_count not in (None, rows) or not named <= refused <= rows or not agree:
        raise UnexpectedAnswerError(
            f"a job was given {rows:,} rows and speaks of {status.total_count or rows:,}, {taken:,} of them "
            f"taken and {refused:,} refused, and names {named:,}: nothing counts as taken."
        )
    lost = max(0, rows - refused - taken)
    return refused - named + lost


def _without(record: Record, names: Sequence[str]) -> Record | None:
    """The row without the first of `names` that it has; None where nothing would be left to know it by."""
    for name in names:
        if name in record.identifiers:
            left = {one: value for one, value in record.identifiers.items() if one != name}
            known = left or (record.has_new_address and record.remote_id)
            return replace(record, identifiers=left) if known else None
    return None


def judge(outcome: Outcome, conflicts: Collection[str] = ()) -> None:
    """Tell rows that are refused for their own sake from a batch that is refused as it is.

    Where none was taken and all were refused alike, nothing shows that a row is at fault: a token, a limit or a setting refuses so too.
    Then no row's count begins, and the batch has an error. `conflicts` are codes of a row alone.
    """
    doubted = [
        error for error in outcome.failed if error.retryable and error.status not in conflicts
    ]
    if (
        outcome.accepted
        or outcome.works
        or not doubted
        or len({error.status for error in doubted}) > 1
    ):
        return
    if len(doubted) == 1 and doubted[0].key not in outcome.unproven:
        return  # the vendor named the row
    outcome.blameless = True
    if outcome.error is None:
        outcome.error = RejectedError(
            f"{_rows(len(doubted))} of batch {outcome.batch.number}, all refused alike ({doubted[0].status}): "
            "taken for a fault of the request, for which no row's count begins.",
            "look at the sync's settings, the account and the columns; the next push tries them again.",
        )


def _rows(count: int) -> str:
    return "one row" if count == 1 else f"{count:,} rows"


def is_fatal(error: DestinationError | None) -> bool:
    """No other batch of the sync can do better now."""
    return isinstance(error, AuthError | MisconfiguredError | RateLimitedError)
