"""One batch to its end: sent, retried, halved where one bad row spoils it, polled where a job decides."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sync.destinations.base import (
    Delivery,
    Destination,
    PollsJobs,
    RemovesMembers,
    ReplacesAll,
    SendsEvents,
)
from sync.engine.retry import CircuitBreaker, Retrier
from sync.engine.rows import Batch
from sync.errors import AuthError, DestinationError, RejectedError, TransientError
from sync.records import Accepted, BatchResult, JobStatus, Mode, Record, RowError

# Rows refused one by one, none taken: the request as a whole is wrong, not a row of it.
HOPELESS = 8
NARROWING = 128  # jobs that one batch may take to find the rows that the first refused
LONGEST_PAUSE = 60.0  # between two questions about a job


@dataclass(slots=True)
class Outcome:
    """What became of a batch. Rows in neither list are undecided: nothing is known to have been taken."""

    batch: Batch
    accepted: list[Accepted] = field(default_factory=list)
    failed: list[RowError] = field(default_factory=list)
    error: DestinationError | None = None  # why rows are undecided
    ambiguous: bool = False  # an answer was lost: the rows may have been taken all the same
    requests: int = 0
    seconds: float = 0.0
    jobs: int = 0
    waited: float = 0.0  # seconds for jobs
    taken: Counter[str] = field(default_factory=Counter)  # accepted rows by action
    acknowledgements: Any = None  # an Arrow table, once they are journalled


class BatchSender:
    """Sends batches of one sync; safe to call from several threads."""

    def __init__(
        self, destination: Destination, *, mode: Mode, delivery: Delivery,
        retrier: Retrier, breaker: CircuitBreaker, slots: AbstractContextManager[object],
        job_seconds: float = 900.0, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._destination = destination
        self._mode = mode
        self._ambiguous = mode is not Mode.EVENT or delivery is not Delivery.AT_MOST_ONCE
        self._retrier = retrier
        self._breaker = breaker
        self._slots = slots
        self._job_seconds = job_seconds
        self._clock = clock
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
            except DestinationError as error:
                outcome.error = error
        outcome.seconds = self._clock() - began
        if outcome.accepted:
            self._breaker.success()
        elif not batch.too_large:
            self._breaker.failure(outcome.error)
        return outcome

    def _send_asked(self, batch: Batch, outcome: Outcome) -> None:
        """Send what asks anything; a removal of what others keep is done when it is said."""
        asked = [row.record for row in batch.rows if not row.stays]
        if asked:
            self._send(asked, batch.action, outcome)
        outcome.accepted.extend(Accepted(row.record.key) for row in batch.rows if row.stays)

    def _send(self, records: Sequence[Record], action: str, outcome: Outcome) -> None:
        try:
            result = self._retrier.call(
                lambda: self._call(records, action, outcome), ambiguous=self._ambiguous
            )
        except RejectedError as error:
            if len(records) > 1 and self._worth_halving(outcome):
                middle = len(records) // 2
                self._send(records[:middle], action, outcome)
                self._send(records[middle:], action, outcome)
                return
            outcome.failed.extend(
                RowError(record.key, "rejected", error.message) for record in records
            )
            return
        outcome.requests += max(0, result.requests - 1)
        outcome.accepted.extend(result.accepted)
        outcome.failed.extend(result.failed)
        if result.pending and result.job:
            outcome.jobs += 1
            before, outcome.ambiguous = outcome.ambiguous, True
            if status := self._poll(result, outcome):
                pending = set(result.pending)
                left = [record for record in records if record.key in pending]
                self._narrow(left, action, outcome, status)
            else:
                outcome.ambiguous = before  # the job has decided

    def _call(self, records: Sequence[Record], action: str, outcome: Outcome) -> BatchResult:
        outcome.requests += 1
        try:
            with self._slots:
                return self._call_once(records, action)
        except RejectedError:
            raise
        except DestinationError:
            # Even after 401 or 429: a batch may take several requests, and the first may have been taken.
            outcome.ambiguous = True
            raise

    def _call_once(self, records: Sequence[Record], action: str) -> BatchResult:
        destination = self._destination
        if self._mode is Mode.EVENT:
            assert isinstance(destination, SendsEvents)  # noqa: S101 - the declaration says so
            return destination.send(records)
        if self._mode is Mode.REPLACE:
            assert isinstance(destination, ReplacesAll)  # noqa: S101
            return destination.write(records)
        if action in ("remove", "outdated"):
            assert isinstance(destination, RemovesMembers)  # noqa: S101
            return destination.remove(records)
        return destination.upsert(records)

    def _worth_halving(self, outcome: Outcome) -> bool:
        return bool(outcome.accepted) or len(outcome.failed) < HOPELESS

    def _narrow(
        self, records: Sequence[Record], action: str, outcome: Outcome, status: JobStatus
    ) -> None:
        """A job refused some rows and does not say which: halves are sent until the bad ones stand alone, or it takes too long."""
        most = outcome.jobs == 1 and 2 * (status.failed_count or 0) > len(records)
        if len(records) == 1:
            outcome.failed.append(RowError(records[0].key, "refused", status.some_failed or ""))
        elif most or outcome.jobs >= NARROWING:
            outcome.error = TransientError(
                f"a job refused {status.failed_count or 'some'} of {len(records)} rows and does not "
                f"say which: {status.some_failed}."
            )
        else:
            middle = len(records) // 2
            self._send(records[:middle], action, outcome)
            self._send(records[middle:], action, outcome)

    def _poll(self, result: BatchResult, outcome: Outcome) -> JobStatus | None:
        """Ask until the job has decided; acknowledged only when it says so. Returns its answer where that decides no row."""
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
        if status.all_failed:
            outcome.failed.extend(
                RowError(key, "job_failed", status.all_failed) for key in result.pending
            )
            return None
        if status.some_failed:
            return status
        refused = {error.key for error in status.failed}
        outcome.failed.extend(status.failed)
        ids = {row.key: row.remote_id for row in status.accepted}
        outcome.accepted.extend(
            Accepted(key, ids.get(key)) for key in result.pending if key not in refused
        )
        return None


def is_fatal(error: DestinationError | None) -> bool:
    """No other batch of the sync can do better."""
    return isinstance(error, AuthError)
