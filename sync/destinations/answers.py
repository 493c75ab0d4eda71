"""What an answer must be for a request to count as taken, and what an answer that refuses it means.

A destination says the first per request (`Answer`) and the second once, in its declaration (`Verdicts`): by status and the vendor's
own code, whose fault it is. Only a row's fault is booked on a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sync.errors import (
    AuthError,
    DestinationError,
    GoneError,
    MisconfiguredError,
    NotYetThereError,
    RateLimitedError,
    RejectedError,
    TransientError,
)

Field = tuple[str, type | tuple[type, ...]]
CODE = re.compile(r"-?[0-9]{1,8}|[A-Za-z][A-Za-z0-9_-]{0,59}")
TEXT_ID = (str, int)  # an id, which some vendors write as a number
# Where vendors have their codes, the finer ones first; names are told apart by neither case nor underscores.
CODE_NAMES = (
    "errorsubcode", "code", "errorcode", "reason", "subcategory", "category", "errortype", "status", "type",
)  # fmt: skip
ERROR_LISTS = ("errors", "OperationErrors", "BatchErrors", "PartialErrors")
NEW_PAUSE = 5.0  # seconds until what was just made is asked for again


@dataclass(frozen=True, slots=True)
class Answer:
    """The statuses, and the JSON, that say that a request was taken.

    `fields` are paths that the document must have, and what stands there: `("data.id", str)`; a text there is never empty. With
    `empty`, no body is owed; with `nothing`, a document that is there has nothing in it. Whatever is not JSON was not said by the
    vendor's API, but for a single word where `word` says so.
    """

    statuses: frozenset[int] = frozenset({200})
    fields: tuple[Field, ...] = ()
    form: type | tuple[type, ...] = dict
    empty: bool = False
    nothing: bool = False
    word: bool = False

    def misses(self, status: int, has_body: bool, body: Any) -> str | None:
        """What this answer lacks, in words without a word of the answer; None when it is as it must be."""
        if status not in self.statuses:
            return f"status {status} where {_listed(map(str, sorted(self.statuses)))} is owed"
        if not has_body:
            return None if self.empty else "no body"
        if body is None:
            return "a body that is not JSON"
        if not isinstance(body, self.form):
            return "JSON of another form"
        if self.nothing and body:
            return "a document where none is owed"
        for path, kind in self.fields:
            found = _at(body, path)
            is_boolean = isinstance(found, bool) and kind is not bool
            if not isinstance(found, kind) or is_boolean or found == "":
                return f"no '{path}'"
        return None


# What counts where a destination says nothing else: any JSON, or 204 without a body.
ANY_JSON = Answer(frozenset({200, 201, 202, 207}), form=(dict, list))
NO_CONTENT = Answer(frozenset({204}), empty=True)
# A cheap question whose document nobody reads.
READABLE = Answer()


class Fault(str, Enum):
    """Whose fault a refusal is, which says what happens next."""

    AUTH = "auth"  # the credentials: the sync stops
    WAIT = "wait"  # a limit: tried again later
    TROUBLE = "trouble"  # the vendor's own: tried again, and it may have been taken
    CONFIGURATION = "configuration"  # the account or the sync's settings: the sync stops
    GONE = "gone"  # the object is not there: the sync stops
    ROW = "row"  # one of the rows: found by halves, booked on it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one code means, and what a person can do about it."""

    fault: Fault
    hint: str | None = None
    seconds: float | None = None  # how long to wait where the answer does not say
    may_be_new: bool = False  # says so too of what was made a moment ago, as `gone` does


Key = tuple[int | None, str | None]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The error table of a destination: (status, code) -> verdict, None standing for any."""

    table: Mapping[Key, Verdict] = field(default_factory=dict)

    def find(self, status: int | None, codes: Iterable[str]) -> Verdict | None:
        """The verdict of the first code that the table has, for this status or for any; else that of the status."""
        for code in codes:
            if found := self.table.get((status, code)) or self.table.get((None, code)):
                return found
        return self.table.get((status, None)) if status is not None else None

    def error(
        self,
        vendor: str,
        said: str,
        status: int,
        codes: Sequence[str],
        retry_after: float | None = None,
        *,
        is_new: bool = False,
    ) -> DestinationError:
        """The error of ours for an answer that refuses. With `is_new`, what the sync fills was made a moment ago."""
        found = self.find(status, codes) or _by_status(status)
        code = next((code for code in codes if code != str(status)), None)
        if is_new and found is not None and (found.fault is Fault.GONE or found.may_be_new):
            return NotYetThereError(said, found.hint, retry_after_seconds=NEW_PAUSE)
        found = found or _by_words(codes)
        if found is not None:
            return raised(found, vendor, said, code=code, retry_after=retry_after)
        if status >= 500 or status in (408, 425):
            return TransientError(said, retry_after_seconds=retry_after)
        return RejectedError(said, code=code)


def raised(
    verdict: Verdict,
    vendor: str,
    said: str,
    *,
    code: str | None = None,
    retry_after: float | None = None,
) -> DestinationError:
    """The error that a verdict is."""
    hint = verdict.hint
    match verdict.fault:
        case Fault.AUTH:
            return AuthError(
                said, hint or f"look at the credentials of {vendor} in destinations.yml."
            )
        case Fault.WAIT:
            seconds = retry_after if retry_after is not None else verdict.seconds
            return RateLimitedError(said, hint, retry_after_seconds=seconds)
        case Fault.TROUBLE:
            return TransientError(said, hint, retry_after_seconds=retry_after)
        case Fault.GONE:
            return GoneError(
                said,
                hint
                or "look whether the object, or the address in destinations.yml, is still there.",
            )
        case Fault.CONFIGURATION:
            return MisconfiguredError(
                said,
                hint
                or f"look at the account of {vendor} and at the sync's settings; no row is at fault.",
            )
        case Fault.ROW:
            return RejectedError(said, hint, code=code, known=True)


# What a code says of the whole vendor by its own words, where its table does not have it: held against no row. Not `limit_exceeded`, which
# a long text may be answered with, and not `invalid_token`, which a telephone has.
_LIMITED = re.compile(r"rate.?limit|too.?many.?requests|throttl|quota.?exceeded", re.I)
_LOCKED_OUT = re.compile(
    r"(access|api|auth|bearer).?(token|key)|unauthori[sz]ed|unauthenticated|authentication", re.I
)


def _by_words(codes: Iterable[str]) -> Verdict | None:
    for code in codes:
        if _LIMITED.search(code):
            return Verdict(Fault.WAIT)
        if _LOCKED_OUT.search(code):
            return Verdict(Fault.AUTH)
    return None


def _by_status(status: int | None) -> Verdict | None:
    """What a status means by itself (RFC 9110, 15.5); None where it may be a row's fault or pass by itself."""
    if status in (401, 403, 407):
        return Verdict(Fault.AUTH)
    if status == 429:
        return Verdict(Fault.WAIT)
    if status in (404, 410):
        return Verdict(Fault.GONE)
    if status in (402, 405, 406, 411, 415, 417, 421, 426, 451, 501, 505):
        return Verdict(Fault.CONFIGURATION)
    return None


def codes(body: Any) -> list[str]:
    """The vendor's short codes in an error's body, where they are words and not sentences that may quote people."""
    if isinstance(body, list):  # a list of errors, as Salesforce answers
        body = {"errors": body}
    if not isinstance(body, dict):
        return []
    error = body.get("error")
    places: list[Any] = []
    for name in ERROR_LISTS:
        errors = body.get(name)
        places += (
            [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
        )
    places = places[:5]
    if isinstance(error, dict):
        details = error.get("details")
        places += [error, *(details if isinstance(details, list) else ())]
    elif isinstance(error, str):
        places.append({"code": error})  # OAuth's (RFC 6749, 5.2)
    places.append(body)
    words: dict[str, None] = {}
    told = [
        {str(name).replace("_", "").lower(): value for name, value in place.items()}
        for place in places
        if isinstance(place, dict)
    ]
    for name in CODE_NAMES:
        for place in told:
            value = place.get(name)
            if not isinstance(value, bool) and CODE.fullmatch(str(value or "")):
                words[str(value)] = None
    return list(words)


def shown_code(body: Any, status: int) -> str | None:
    """The code that a message shows: the vendor's main one, where it says more than the status."""
    subcode = {str(body["error"].get("error_subcode"))} if _is_error(body) else set()
    return next((code for code in codes(body) if code != str(status) and code not in subcode), None)


def properties(body: Any) -> list[str]:
    """Names of the columns that an error is about, where it says them apart (HubSpot's `context.propertyName`)."""
    errors = body.get("errors") if isinstance(body, dict) else None
    names: dict[str, None] = {}
    for error in errors[:20] if isinstance(errors, list) else ():
        context = error.get("context") if isinstance(error, dict) else None
        found = context.get("propertyName") if isinstance(context, dict) else None
        for name in found if isinstance(found, list) else [found]:
            if isinstance(name, str) and CODE.fullmatch(name):
                names[name] = None
    return list(names)[:5]


def _is_error(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("error"), dict)


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _listed(words: Iterable[str]) -> str:
    return " or ".join(words)
