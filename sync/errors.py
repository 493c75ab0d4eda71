"""Every error a user can meet.

HeadwaterError(message, hint)
├── ConfigError            a file or setting is wrong; exit code 2
├── SelectionError         --select or --exclude names nothing; exit code 2
├── WarehouseError         the warehouse refused or cannot be reached
│   └── WarehouseLockedError   another process holds the DuckDB file
├── UnprovenError          what had to be so while it was written is so no more: nothing was written
│   └── LeaseLostError         another run has taken the sync over
├── UnexpectedError        a bug, ours or of a destination; exit code 2
├── RefusedError           a gate stopped one sync before anything was sent; carries a reason
└── DestinationError       a vendor refused or cannot be reached
    ├── AuthError          credentials are refused; no retry helps
    ├── MisconfiguredError the account, the object or the address is not as the sync says; no retry helps
    │   ├── RedirectError      the address sends elsewhere
    │   └── GoneError          the object is not there
    ├── RejectedError      the request is refused, maybe for one of its rows; no retry helps
    └── TransientError     worth a retry, after `retry_after_seconds` if given
        ├── RateLimitedError
        ├── UnsentError            nobody was reached: surely nothing was taken
        ├── NotYetThereError       what was just made is not visible yet
        └── UnexpectedAnswerError  not what must be seen: it may have been taken or not
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path


def closest(name: str, names: Iterable[str], *, before: str = "") -> str:
    """` (did you mean 'x'?)` where one of `names` is near, else nothing: what follows a wrong name, with `before` before the near one."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean '{before}{near[0]}'?)" if near else ""


class HeadwaterError(Exception):
    """Something a user can act on: what happened and where, and the next step as `hint`.

    Messages never hold an e-mail, a phone number, a name or a secret: people are named by key, batches by number.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(HeadwaterError):
    """A file or setting is wrong."""


class UnsetVariableError(ConfigError):
    """An environment variable that a setting is read from is not set: here, and maybe nowhere else."""


class SelectionError(HeadwaterError):
    """--select or --exclude names nothing."""


class WarehouseError(HeadwaterError):
    """The warehouse refused a statement or cannot be reached."""


class UnprovenError(HeadwaterError):
    """What had to be so while it was written is so no more: nothing was written."""


class LeaseLostError(UnprovenError):
    """Another run has taken the sync over; this one writes nothing any more."""


class WarehouseLockedError(WarehouseError):
    """Another process holds the DuckDB file."""


class WarehouseMemoryError(WarehouseError):
    """A statement that cannot be begun anew by itself had too little memory; the next session has more, where there is more."""


class UnexpectedError(HeadwaterError):
    """A bug: its own text may quote data, so only its kind and place are told."""

    @classmethod
    def of(cls, sync_name: str, error: BaseException) -> UnexpectedError:
        """What is told of `error`, which ended the run of a sync."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "no place"
        return cls(
            f"sync '{sync_name}': unexpected {type(error).__name__} at {place}.",
            hint="run again with --debug for the traceback; it may quote data.",
        )


class RefusedError(HeadwaterError):
    """A gate stopped one sync before anything was sent; `reason` is a stable word for machines."""

    def __init__(self, reason: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.reason = reason


class DestinationError(HeadwaterError):
    """A destination refused a request or cannot be reached.

    `unsent` says that nothing of the request was taken, for sure: sending it again repeats nothing.
    """

    unsent = False


class AuthError(DestinationError):
    """Credentials are refused; no retry helps."""

    unsent = True


class MisconfiguredError(DestinationError):
    """The account, the object or the address is not as the sync says: no row can get through until a person has mended it."""

    unsent = True


class RedirectError(MisconfiguredError):
    """The address sends elsewhere. Nothing follows it: the body holds people, and a redirect may lead to another host."""

    def __init__(self, message: str, hint: str | None = None, *, unsent: bool = False) -> None:
        super().__init__(message, hint)
        self.unsent = unsent


class GoneError(MisconfiguredError):
    """The object that the sync fills is not there."""


class RejectedError(DestinationError):
    """The request is refused as a whole, maybe for one of its rows; no retry helps.

    `code` is the vendor's word where it has one; `known` says that the destination's error table calls it a row's fault.
    """

    unsent = True

    def __init__(
        self, message: str, hint: str | None = None, *, code: str | None = None, known: bool = False
    ) -> None:
        super().__init__(message, hint)
        self.code = code
        self.known = known


class TransientError(DestinationError):
    """Worth a retry, after `retry_after_seconds` if the vendor said so."""

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.retry_after_seconds = retry_after_seconds


class RateLimitedError(TransientError):
    """The vendor asked to slow down."""

    unsent = True


class UnsentError(TransientError):
    """Nobody was reached (no such name, connection refused): surely nothing was taken, so it goes again whatever the delivery."""

    unsent = True


class NotYetThereError(TransientError):
    """What was made a moment ago (a list, a property) is not visible to the next request yet."""

    unsent = True


class UnexpectedAnswerError(TransientError):
    """An answer that is not what must be seen (a login page, half a document): nothing counts as taken, and it may have been."""
