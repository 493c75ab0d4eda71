"""Retries of a batch, the circuit breaker that ends them when nothing works, and work that had too little memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from sync.errors import DestinationError, TransientError, WarehouseMemoryError

T = TypeVar("T")
MEMORY_TRIES = 6
LONGEST_WAIT = 600.0  # seconds that a vendor may ask for within a push


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a batch is tried. `base_seconds` doubles with each attempt, with full jitter."""

    attempts: int = 6
    base_seconds: float = 0.5
    max_seconds: float = 60.0
    poll_seconds: float = 1.0
    stop_seconds: float = 20.0  # how long a run that is to stop waits for its jobs
    settle_seconds: float = 5.0  # after a process that died with requests in flight


class Retrier:
    """Calls a function again on errors that time may heal; `stop` ends the waiting at once."""

    def __init__(self, policy: RetryPolicy, stop: threading.Event) -> None:
        self.policy = policy
        self._stop = stop
        self._jitter = wait_random_exponential(
            multiplier=policy.base_seconds, max=policy.max_seconds
        )

    def call(self, function: Callable[[], T], *, ambiguous: bool = True) -> T:
        """`function()`, tried again on TransientError.

        With `ambiguous` false only what surely left nothing behind (a rate limit, a connection that was refused) is tried again: a
        lost answer may hide a request that was taken. Nobody waits longer than a push may take: that is for the next one.

        Raises:
            DestinationError: the last error, when attempts are used up or no retry helps.
        """

        def heals(error: BaseException) -> bool:
            if not isinstance(error, TransientError) or self._stop.is_set():
                return False
            too_long = (error.retry_after_seconds or 0) > LONGEST_WAIT
            return not too_long and (ambiguous or error.unsent)

        return Retrying(
            stop=stop_after_attempt(self.policy.attempts),
            wait=self._wait,
            sleep=self._sleep,
            retry=retry_if_exception(heals),
            reraise=True,
        )(function)

    def pause(self, seconds: float) -> bool:
        """Wait; False when the run is being stopped."""
        return not self._stop.wait(seconds)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        wanted = error.retry_after_seconds if isinstance(error, TransientError) else None
        if wanted is not None:
            # A little later than asked, so that parallel requests do not return in one herd.
            return (
                min(wanted, LONGEST_WAIT, 10 * self.policy.max_seconds) + self._jitter(state) / 10
            )
        return self._jitter(state)

    def _sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)


def with_memory(work: Callable[[], T]) -> T:
    """`work()`, begun anew while it has too little memory and there is more: each try has twice as much.

    Raises:
        WarehouseMemoryError: it has all there is, and that is too little.
    """
    for _ in range(MEMORY_TRIES - 1):
        with suppress(WarehouseMemoryError):
            return work()
    return work()


class CircuitBreaker:
    """Opens after so many batches in a row of which no row was taken: the destination is down or the mapping is wrong."""

    def __init__(self, limit: int = 5) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._in_a_row = 0
        self.cause: DestinationError | None = None

    @property
    def is_open(self) -> bool:
        """Whether so many batches in a row failed that nothing more is tried."""
        return self._in_a_row >= self._limit

    def success(self) -> None:
        """A batch was taken: counting begins anew."""
        with self._lock:
            self._in_a_row = 0

    def failure(self, cause: DestinationError | None = None) -> None:
        """A batch failed, for `cause`."""
        with self._lock:
            self._in_a_row += 1
            self.cause = cause or self.cause
