"""Batches on their way: phase after phase, some requests in flight, what comes back acknowledged while others are under way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sync.config.models import Canary
from sync.destinations.base import Destination, ReplacesAll
from sync.engine.context import SyncResult
from sync.engine.plan.planner import Mapping
from sync.engine.push.acknowledge import Acknowledger
from sync.engine.push.rows import Batch, Phase
from sync.engine.push.sender import BatchSender, Outcome, is_fatal
from sync.engine.retry import CircuitBreaker
from sync.errors import DestinationError, HeadwaterError
from sync.records import Action


class Stream:
    """Sends one sync's batches."""

    def __init__(
        self,
        sender: BatchSender,
        acknowledger: Acknowledger,
        result: SyncResult,
        *,
        breaker: CircuitBreaker,
        stop: threading.Event,
        canary: Canary | None = None,
    ) -> None:
        self._sender = sender
        self._acknowledger = acknowledger
        self._result = result
        self._breaker = breaker
        self._stop = stop
        self._canary = canary
        self._sent = self._taken = 0  # rows of the phase
        self.began = False  # whether anything may be at the destination
        # Keys whose outdated identifiers may still be there: written now, the ledger would forget those.
        self._held_back: set[str] = set()
        self._took_outdated = False

    def send(self, phases: Iterable[Phase], *, parallel: int, claims: bool) -> None:
        """Keep `parallel` batches under way. A phase begins when the one before it has been answered in full."""
        with ThreadPoolExecutor(parallel, thread_name_prefix=self._result.name) as pool:
            self.began = True
            for phase in phases:
                self._sent = self._taken = 0
                ahead = 1 if phase.is_canary else min(2 * parallel, parallel + 4)
                self._send_phase(phase.batches, pool, ahead=ahead, claims=claims)
                if phase.is_canary and self._fails_canary():
                    break
                if self._took_outdated:
                    # What is written from here on takes the place of what is out: recovery must know that it is.
                    self._acknowledger.flush()
                    self._took_outdated = False
            self._acknowledger.flush()
        self._result.error = self._acknowledger.blocked or self._result.error

    def _send_phase(
        self, batches: Iterator[Batch], pool: ThreadPoolExecutor, *, ahead: int, claims: bool
    ) -> None:
        acknowledger = self._acknowledger

        def send(batch: Batch) -> Outcome | None:
            intended = acknowledger.intend(batch, claimed=claims)
            if intended is None:
                return None
            return acknowledger.journal(self._sender.send(batch), intended, claimed=claims)

        in_flight: set[Future[Outcome | None]] = set()
        exhausted = False
        try:
            while in_flight or not exhausted:
                while not exhausted and len(in_flight) < ahead:
                    batch = None if self._halted() else self._next(batches)
                    if batch is None:
                        exhausted = True
                        break
                    if claims and not acknowledger.claim(batch):
                        exhausted = True
                        break
                    in_flight.add(pool.submit(send, batch))
                if not in_flight:
                    break
                done, in_flight = wait(
                    in_flight, max(0.0, acknowledger.seconds_left), FIRST_COMPLETED
                )
                acknowledger.tend()
                outcomes = [one for future in done if (one := future.result()) is not None]
                acknowledger.take(outcomes)
                self._note(outcomes)
        except BaseException:
            self._sender.cancel()
            for future in in_flight:
                future.cancel()
            raise

    def replace(
        self,
        destination: Destination,
        run_id: str,
        mapping: Mapping,
        batches: Callable[[], Iterator[Batch]],
    ) -> None:
        """Write the whole set beside the old one and put it in its place; acknowledged only then."""
        assert isinstance(destination, ReplacesAll)  # noqa: S101 - the declaration says so
        refused: set[str] = set()
        destination.begin(run_id, [*mapping.identifiers, *mapping.fields])
        try:
            for batch in batches():
                if batch.action == Action.REMOVE:
                    continue
                if self._stop.is_set():
                    destination.abort()
                    self._result.interrupted = True
                    return
                outcome = self._sender.send(batch)
                if outcome.error is not None:
                    raise outcome.error
                refused.update(error.key for error in outcome.failed)
                self._acknowledger.take_refusals(outcome)
            self.began = True
            self._acknowledger.check_lease()
            destination.commit()
        except HeadwaterError:
            destination.abort()
            raise
        self._acknowledger.take_all(batches(), refused)

    def _fails_canary(self) -> bool:
        """Whether more of the first rows were not taken than the sync allows."""
        canary, lost = self._canary, self._sent - self._taken
        if canary is None or 100 * lost <= canary.max_failed_percent * self._sent:
            return False
        error = HeadwaterError(
            f"sync '{self._result.name}': {lost:,} of the first {self._sent:,} rows were not taken, and its "
            f"canary allows {canary.max_failed_percent:g} %: nothing more was sent.",
            hint=f"sync failures {self._result.name} says why; the next push begins with those rows again.",
        )
        self._result.error = self._result.error or error
        return True

    def _next(self, batches: Iterator[Batch]) -> Batch | None:
        for batch in batches:
            if self._held_back:
                batch.rows = [row for row in batch.rows if row.record.key not in self._held_back]
            if batch.rows:
                return batch
        return None

    def _halted(self) -> bool:
        if self._stop.is_set():
            self._result.interrupted = True
            return True
        error = self._result.error
        if self._acknowledger.blocked is not None:
            return True
        return self._breaker.is_open or (isinstance(error, DestinationError) and is_fatal(error))

    def _note(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self._sent += len(outcome.batch.rows)
            self._taken += len(outcome.accepted) + len(outcome.passed_over)
            if outcome.batch.action == Action.OUTDATED:
                self._took_outdated = True
                self._held_back |= {row.record.key for row in outcome.batch.rows}
                self._held_back -= {item.key for item in outcome.accepted}
        if self._acknowledger.error is not None:
            self._result.error = self._acknowledger.error
