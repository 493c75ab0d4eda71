"""Small conversions every destination needs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from sync.errors import DestinationError, RejectedError
from sync.records import Accepted, BatchResult, Record, RowError, Value

Item = TypeVar("Item")
Plain = str | int | float | bool | list[Any] | dict[str, Any] | None
SHA256 = re.compile(r"[0-9a-f]{64}")


def plain(value: Value) -> Plain:
    """A value as JSON takes it: dates and instants in ISO 8601, instants with their Z."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(timespec=_digits(value)) + "Z"
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def _digits(instant: dt.datetime) -> str:
    """As many as the instant has: none, three or six behind the second."""
    if not instant.microsecond:
        return "seconds"
    return "microseconds" if instant.microsecond % 1000 else "milliseconds"


def json_bytes(document: object) -> bytes:
    """A document as JSON, `plain` where JSON has no such value; a number that is none is null."""
    return orjson.dumps(document, default=_known, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _known(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else plain(value)


def utc(value: str | int | float | None) -> dt.datetime | None:
    """An instant, UTC without zone, from ISO 8601 text or Unix seconds; None when absent or unreadable."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float):
            return dt.datetime.fromtimestamp(value, dt.UTC).replace(tzinfo=None)
        parsed = dt.datetime.fromisoformat(value)
        if parsed.tzinfo is not None:
            parsed = parsed.astimezone(dt.UTC).replace(tzinfo=None)
        return parsed
    except (ValueError, OverflowError, OSError):  # beyond what a date can hold
        return None


def same(ours: Any, theirs: Any) -> bool:
    """Whether a vendor has a value as it was sent, whatever its spelling: numbers as texts, instants, case and spaces at the ends."""
    left, right = _spelled(ours), _spelled(theirs)
    if left == right:
        return True
    if isinstance(left, str) and isinstance(right, str):
        when = utc(left.upper()), utc(right.upper())
        return None not in when and when[0] == when[1]
    return False


def _spelled(value: Any) -> Any:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    text = str(plain(value)).strip().lower()
    try:
        return float(text)
    except ValueError:
        return text or None


def is_sha256(value: object) -> bool:
    """Whether a value is a SHA-256 in lower-case hex, as every vendor of hashed audiences wants it."""
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Consecutive parts of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def one_by_one(
    records: Sequence[Record], send: Callable[[Record], Accepted | RowError | None]
) -> BatchResult:
    """A batch for a vendor that takes a row a request.

    A refused row fails alone. When the vendor stops answering halfway, what it took stays taken and the rest is open, with the error
    that stopped it; when it does not answer at all, its error is raised for the engine to wait and try again. Of what it passes over
    `send` says nothing.
    """
    accepted: list[Accepted] = []
    failed: list[RowError] = []
    for index, record in enumerate(records):
        try:
            outcome = send(record)
        except RejectedError as error:
            outcome = RowError(record.key, error.code or "rejected", error.message)
        except DestinationError as error:
            if not index:
                raise
            unsent = [left.key for left in records[index + (not error.unsent) :]]
            return BatchResult(accepted, failed, requests=index + 1, error=error, unsent=unsent)
        if isinstance(outcome, Accepted):
            accepted.append(outcome)
        elif outcome is not None:
            failed.append(outcome)
    return BatchResult(accepted, failed, requests=len(records))


def merged_one_by_one(
    records: Sequence[Record],
    gone: Mapping[str, str],
    kept: Mapping[str, str],
    merge: Callable[[str, str], str],
    *,
    lacks: str,
) -> BatchResult:
    """A batch of merges for a vendor that makes one record of two, by its ids of them.

    `gone` has the ids of records that go, by key, `kept` those of whom they go into, by the key of that row; one that is not there, or is
    the same, counts as taken. `merge` makes one of two and says the id that is left. `lacks` says that whom one goes into is not there.
    """
    now: dict[str, str] = {}

    def send(record: Record) -> Accepted | RowError:
        assert record.into is not None  # noqa: S101 - the engine says so
        source, target = gone.get(record.key), kept.get(record.into.key)
        target = now.get(target, target) if target else None
        if source is None or source == target:
            return Accepted(record.key)
        if target is None:
            return RowError(record.key, "not_there", lacks)
        now[target] = merge(source, target)
        return Accepted(record.key)

    return one_by_one(records, send)
