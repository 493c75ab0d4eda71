"""Rate limits and parallelism, shared by all syncs of a run that use one credential."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sync.destinations.base import Declaration, RateLimit
from sync.errors import ConfigError, closest

if TYPE_CHECKING:
    from pyrate_limiter import Limiter

# Asked once more when a request has had to wait: the process may have slept meanwhile.
_PERMIT: ContextVar[Callable[[], None]] = ContextVar("permit", default=lambda: None)
_UNLIMITED = RateLimit(requests=0, seconds=0.0, parallel=4)


@contextmanager
def permitted(permit: Callable[[], None]) -> Iterator[None]:
    """Within, a request is sent only if `permit` raises nothing, before it waits for its turn and after."""
    permit()
    before = _PERMIT.set(permit)
    try:
        yield
    finally:
        _PERMIT.reset(before)


def credential_id(kind: str, settings: Mapping[str, str]) -> str:
    """Names a credential in memory without holding it: the same settings under two names share their limits."""
    text = json.dumps([kind, sorted((key, str(value)) for key, value in settings.items())])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def set_limits(
    declared: Mapping[str, RateLimit], given: Mapping[str, Any], where: str
) -> dict[str, RateLimit]:
    """The limits that a vendor declares, but for what is `given` per endpoint group: requests, seconds, parallel.

    Raises:
        ConfigError: a group or word is none of these, or a number is none.
    """
    found = dict(declared)
    for group, words in given.items():
        if group not in declared:
            raise ConfigError(
                f"{where}: '{group}' is not one of {', '.join(sorted(declared))}{closest(str(group), declared)}.",
                hint="limits: {default: {requests: 1200, seconds: 60, parallel: 8}}",
            )
        numbers = dict(words) if isinstance(words, Mapping) else {"": words}
        for word, number in numbers.items():
            if word not in ("requests", "seconds", "parallel"):
                raise ConfigError(
                    f"{where}.{group} takes requests, seconds and parallel, not '{word or number}'."
                )
            least = 0 if word == "requests" else 1
            if isinstance(number, bool) or not isinstance(number, int) or number < least:
                none = " (0 is no limit)" if word == "requests" else ""
                raise ConfigError(
                    f"{where}.{group}.{word} is '{number}'; it must be a whole number of at least {least}{none}."
                )
        found[group] = replace(declared[group], **numbers)
    return found


class Limits:
    """One limiter and one gate of parallel requests per credential and endpoint group."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limiters: dict[tuple[str, str], Limiter] = {}
        self._slots: dict[tuple[str, str], threading.BoundedSemaphore] = {}

    def hook(self, credential: str, declaration: Declaration) -> Callable[[str], None]:
        """What `HttpClient` calls before each request: waits until `group` may be asked again."""

        def wait(group: str) -> None:
            limit = declaration.rate_limits.get(group)
            if limit is not None and limit.requests > 0:
                self._limiter(credential, group, limit).try_acquire(group)
                _PERMIT.get()()

        return wait

    def slots(self, credential: str, declaration: Declaration, group: str) -> threading.Semaphore:
        """As many as there may be batches in flight."""
        with self._lock:
            key = (credential, group)
            if key not in self._slots:
                parallel = max(1, declaration.rate_limits.get(group, _UNLIMITED).parallel)
                self._slots[key] = threading.BoundedSemaphore(parallel)
            return self._slots[key]

    def _limiter(self, credential: str, group: str, limit: RateLimit) -> Limiter:
        from pyrate_limiter import (
            Limiter,
            Rate,
        )  # a tenth of a second, for nothing where nothing is sent

        with self._lock:
            key = (credential, group)
            if key not in self._limiters:
                rate = Rate(limit.requests, max(1, int(limit.seconds * 1000)))
                self._limiters[key] = Limiter(rate)
            return self._limiters[key]
