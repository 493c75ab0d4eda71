"""What a destination is: a declaration of what it can do, and small Protocols for doing it.

A destination module holds one class. It is built from its validated settings, a `HttpClient` where it speaks HTTP, and the
`SyncObject` it fills; it keeps no state between calls but what it looks up (a list's id). It never logs a row, never retries
(the engine does, on TransientError) and never sleeps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Protocol, runtime_checkable

from sync.destinations.answers import Verdicts
from sync.records import BatchResult, JobStatus, Mode, Record, Result


class PartialFailure(str, Enum):
    """How a vendor tells which rows of a batch it refused."""

    PER_ROW = "per_row"
    COUNTS_ONLY = "counts_only"
    ALL_OR_NOTHING = "all_or_nothing"
    BY_POLLING = "by_polling"


class Delivery(str, Enum):
    """What a repeat of an event does: nothing (the vendor keeps the idempotency key), or the guarantee the sync must choose."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`requests` per `seconds` for one endpoint group and one credential, at most `parallel` in flight."""

    requests: int
    seconds: float
    parallel: int = 1


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A kind of object a destination has: the modes it can do, its batch size, and what identifies a member."""

    modes: frozenset[Mode]
    batch_rows: int
    identifiers: frozenset[str]  # accepted identifier columns; a row needs one of them at least
    member: str  # what a member is: "vendor list id", "record id", "hashed row", "tag"
    batch_bytes: int | None = None
    # Sets of identifier columns each of which is a member by itself, with no record behind it: when one changes, what was sent
    # before must be removed. Empty where the vendor keeps a record.
    members: tuple[tuple[str, ...], ...] = ()
    # Identifier columns by which the vendor finds its record, the strongest first: two rows that have the same are one record
    # there. Empty where it keeps a record under a key of ours.
    found_by: tuple[str, ...] = ()
    # Whether a row with other identifiers than before is written by the id that the vendor gave it, so that no second record is made.
    updates_by_id: bool = False
    # Whether the record of somebody who was merged into another becomes one with that other's (`MergesRecords`); where it does not, it is
    # taken out.
    merges: bool = False
    # Why the record of somebody who was merged stays, where it can be neither: for the page, `sync plan` and `sync check`.
    keeps_both: str = ""
    # The vendor's codes of a row by which an identifier is another record's already, and the identifiers that each may be about.
    conflicts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    open_fields: bool = True  # any other column becomes a property; else only `known_fields`
    known_fields: frozenset[str] = frozenset()
    # Of these an absent one says something else than null, which is sent whatever the sync says of nulls.
    null_fields: frozenset[str] = frozenset()
    nested: bool = False  # fields may be lists and objects; else the engine refuses such columns
    partial_failure: PartialFailure = PartialFailure.PER_ROW
    delivery: Delivery = Delivery.EXACTLY_ONCE
    rate_group: str = "default"
    latency: str = "seconds"
    job_seconds: float = 900.0  # how long a job may take before its rows count as not answered
    # Days after which a row is sent again though nothing changed, where the vendor forgets a member some time after it was sent.
    refresh_days: int | None = None
    # Channel (email, sms) to whose marketing a row is subscribed: a sync must ask for that consent.
    subscribes: str | None = None

    @property
    def folds(self) -> bool:
        """Whether an address is the record, so that one that changed is another record, into which the one of before goes."""
        return self.merges and not self.updates_by_id and bool(self.found_by)

    @property
    def lets_go(self) -> bool:
        """Whether a record that is nobody's any more can be made one with another's, or taken out."""
        return self.merges or bool(self.modes & {Mode.MIRROR, Mode.REMOVE})

    @property
    def why_it_keeps_both(self) -> str:
        """Why the record of who was merged into another stays, in words; none where it need not."""
        return "" if self.lets_go else self.keeps_both or "it has no request that lets go of one"


@dataclass(frozen=True, slots=True)
class Erasure:
    """How a vendor lets somebody be erased: in words for the report, or why it cannot be asked to."""

    how: str = ""
    cannot: str = ""
    # Whether one request erases the person in the whole account, or each object that was filled wants one of its own.
    whole_account: bool = False
    objects: frozenset[str] | None = None  # kinds that hold people; None for all

    def concerns(self, kind: str) -> bool:
        """Whether an object of that kind holds people."""
        return self.objects is None or kind in self.objects


UNTOLD = Erasure(cannot="it does not say how somebody is erased there")


@dataclass(frozen=True, slots=True)
class Declaration:
    """Everything a user or the engine may ask before anything is sent."""

    name: str
    title: str
    api_version: str
    objects: Mapping[str, ObjectType]
    rate_limits: Mapping[str, RateLimit]
    pulls: bool = False
    hashed: bool = False  # identifiers must arrive hashed by the activation model
    asks_account: bool = False  # `account` is a question to the vendor; else the settings tell it
    settings_help: Mapping[str, str] = field(default_factory=dict)
    # Whose fault a refusal is, by status and the vendor's code: only a row's is booked on it, and counts towards its quarantine.
    verdicts: Verdicts = field(default_factory=Verdicts)
    erasure: Erasure = UNTOLD


@dataclass(frozen=True, slots=True)
class UnknownField:
    """A field that the vendor would refuse: it has no such property, or lets nobody write it."""

    field: str  # as the sync calls it
    property: str  # as the vendor would
    why: str = "is not there"


@runtime_checkable
class Destination(Protocol):
    """A system that keeps people, companies, files or messages."""

    declaration: ClassVar[Declaration]

    def check(self) -> str:
        """Return a line on what the credentials reach: this sync's own object, and what it takes to fill it. Changes nothing.

        Raises:
            AuthError: credentials are refused, or may not do what the sync asks; no retry helps.
            MisconfiguredError: the object cannot be filled by the sync.
            TransientError: worth a retry.
        """

    def account(self) -> str:
        """What names the account that these settings reach, the same for ever: its id at the vendor, or the address that is sent to.

        It is kept in the warehouse and shown, so it holds no secret. Where the settings do not tell it, the vendor is asked.

        Raises:
            AuthError: credentials are refused, or may not read it.
            TransientError: worth a retry.
        """

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        """Add or update `records`, at most the object's `batch_rows` of them.

        A refused row is a `RowError` in the result, not an exception.

        Raises:
            AuthError, RejectedError, TransientError: nothing of the batch is known to be taken.
        """


@runtime_checkable
class RemovesMembers(Protocol):
    """Takes out rows sent before; a row that is not there counts as accepted."""

    def remove(self, records: Sequence[Record]) -> BatchResult:
        """Take out `records`, by the identifiers they were sent with."""


@runtime_checkable
class MergesRecords(Protocol):
    """Tells the vendor that two of its records are one person's, or company's, where the object declares `merges`."""

    def merge(self, records: Sequence[Record]) -> BatchResult:
        """Let go of each of `records`, which are to go on in the record of `into`; one that is not there, or is that record, counts as
        accepted. A vendor that cannot make one of two archives the first.
        """


@runtime_checkable
class UpdatesOnly(Protocol):
    """Changes records that are there (mode `update_only`)."""

    def update(self, records: Sequence[Record]) -> BatchResult:
        """Update `records`, and make none: those that are not there are `passed_over`."""


@runtime_checkable
class CreatesOnly(Protocol):
    """Makes records that are not there (mode `create_only`)."""

    def create(self, records: Sequence[Record]) -> BatchResult:
        """Make `records`, and change none: those that are there are `passed_over`."""


@runtime_checkable
class ErasesPeople(Protocol):
    """Erases somebody for good, as `Declaration.erasure` says; who is not there counts as erased."""

    def erase(self, records: Sequence[Record]) -> BatchResult:
        """Erase the people of `records`, by the key, identifiers and remote id they were sent with.

        Records are at most a hundred, and two of them may be one person. Nobody is made, and no object, in order to be erased.
        """


@runtime_checkable
class SendsEvents(Protocol):
    """Sends each row as an event or message, with its `idempotency_key` where the vendor keeps one."""

    def send(self, records: Sequence[Record]) -> BatchResult:
        """Send `records`, an event each."""


@runtime_checkable
class ReplacesAll(Protocol):
    """Replaces the whole set: `begin`, any number of `write`, then `commit`; readers see the old set until then.

    `columns` are the identifiers and fields that rows may have: a row lacks those that are null.
    """

    def begin(self, run_id: str, columns: Sequence[str]) -> None:
        """Start a new set."""

    def write(self, records: Sequence[Record]) -> BatchResult:
        """Add `records` to it."""

    def commit(self) -> None:
        """Put it in the place of the old one."""

    def abort(self) -> None:
        """Leave the old one; what was written is gone."""


@runtime_checkable
class KnowsFields(Protocol):
    """Tells before anything is sent which fields would be refused, at a vendor that takes only properties it has."""

    def unknown_fields(self, names: Sequence[str]) -> Sequence[UnknownField]:
        """Those of the fields `names` that the object has no property for; none where the vendor does not tell."""


@runtime_checkable
class ReadsBack(Protocol):
    """Says who is there, for an audit: it changes nothing, and makes no object."""

    def there(self, records: Sequence[Record]) -> Collection[str]:
        """Keys of those of `records` that the object has, by the identifiers and remote ids they were sent with."""


@runtime_checkable
class ComparesFields(Protocol):
    """Says for an audit what was changed there: it changes nothing."""

    def differing(self, records: Sequence[Record]) -> Mapping[str, Sequence[str]]:
        """Keys of those of `records` of whom the vendor tells a value at all, and its names of the fields that are others than these,
        none where all are alike.

        What it has in another spelling of the same value is no difference.
        """


@runtime_checkable
class ListsMembers(Protocol):
    """Says for an audit who else is in the object: it changes nothing, and makes no object."""

    def everybody(self) -> Collection[str] | None:
        """The vendor's ids of everybody in it, as `Accepted.remote_id` has them, whoever put them there; None where it is no list."""


@runtime_checkable
class CountsMembers(Protocol):
    """Says for an audit how many people the vendor itself counts in the object."""

    def matched(self) -> int | None:
        """How many it has, or has matched to people of its own; None where it does not say yet."""


@runtime_checkable
class PollsJobs(Protocol):
    """Decides the `pending` rows of an earlier batch."""

    def poll(self, job: str) -> JobStatus:
        """How a job stands, and which rows it refused once it is done."""


@runtime_checkable
class PullsResults(Protocol):
    """Reads campaign results at or after an instant (UTC), in any order; overlaps are merged by natural key."""

    def pull(self, since: dt.datetime) -> Iterator[Result]:
        """Campaigns and events at or after `since`."""
