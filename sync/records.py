"""What travels between the engine and the destinations: plain, frozen, validated at the edge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from sync.errors import DestinationError

Value = str | int | float | bool | dt.date | dt.datetime | list["Value"] | dict[str, "Value"] | None


class Kind(str, Enum):
    """What a column holds, whatever its warehouse calls that."""

    TEXT = "text"  # enumerations, UUIDs and JSON documents too
    WHOLE = "whole number"
    WIDE = "wide whole number"  # may have more than 64 bits
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"  # of day, without a zone
    NESTED = "list or object"
    OTHER = "other"  # bytes, intervals, times with a zone, places, and whatever is not known


class Mode(str, Enum):
    """What a sync does with the difference between the activation table and the ledger."""

    UPSERT = "upsert"  # add and change; never remove
    MIRROR = "mirror"  # add, change, and remove what left
    ADD = "add"  # add only; changes are not sent
    UPDATE_ONLY = (
        "update_only"  # change what the vendor has already; make nothing, and never remove
    )
    CREATE_ONLY = "create_only"  # make what the vendor has not yet, and leave what it has
    REMOVE = "remove"  # the table lists who must not be there
    EVENT = "event"  # each row once, for ever
    REPLACE = "replace"  # the whole set, every time anything differs


class Action(str, Enum):
    """What a row asks of the destination, and what an acknowledgement says became of it."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    OUTDATED = "outdated"  # identifiers that it has no more are taken out, before it is written
    ATTEMPT = "attempt"  # it was sent, or may have been, and no answer came
    REPEAT = "repeat"  # an event of which nobody knows whether it arrived: it was sent, or may have been, and goes again
    CLAIM = "claim"  # an event that is about to be sent, and never twice
    RELEASE = "release"  # a claimed event that surely reached nobody
    FORGET = "forget"  # nothing is asked: only the ledger lets go of it


@dataclass(slots=True)  # not frozen: one is made of every row, and that takes half as long
class Record:
    """One row for a destination, which leaves it as it is.

    `key` is the sync's key as text; `identifiers` are the columns by which the vendor knows the person or company
    (normalised or hashed already, absent ones left out); `fields` are the mapped columns by vendor field name.
    For a removal, `identifiers` are those that were sent and `fields` is empty. `remote_id` is what the vendor
    called the row when it was acknowledged. `idempotency_key` is a UUID, the same for the same row for ever. `has_new_address` says
    that identifiers differ, or may, from those that the record of that id has at the vendor; `formers` are those that it was last taken
    with, where they are known and differ; or all that it may be there with, the first that was tried first, where an answer was lost and
    no id is known: a record that is not there by its identifiers is looked for by these. `into` is, of a removal, the row that it was
    merged into, as it was last taken.
    """

    key: str
    identifiers: Mapping[str, str] = field(repr=False)
    fields: Mapping[str, Value] = field(default_factory=dict, repr=False)
    remote_id: str | None = None
    idempotency_key: str | None = None
    has_new_address: bool = False
    formers: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    into: Record | None = None


@dataclass(slots=True)
class Accepted:
    """A row the destination took, and the id it gave it where it gives one."""

    key: str
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class RowError:
    """A row the destination refused: `status` is the vendor's code, `message` its words without personal data."""

    key: str
    status: str
    message: str
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of each row of one batch.

    Every row is in exactly one of `accepted`, `failed`, `passed_over` (keys that `update_only` did not find, or `create_only` did) or
    `pending` (keys that `job` will decide, asked by polling); with `error`
    the rows in none of them are open: it stopped the batch half way, and says nothing of any row. `unsent` are those of them that
    were surely not sent.
    """

    accepted: Sequence[Accepted] = ()
    failed: Sequence[RowError] = ()
    pending: Sequence[str] = ()
    passed_over: Sequence[str] = ()
    job: str | None = None
    requests: int = 1
    error: DestinationError | None = None
    unsent: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class JobStatus:
    """State of an asynchronous job: not `done` yet, or done with the rows it refused.

    Pending rows that are not refused are accepted, as long as the job's sums agree: what it says of `total_count`, `taken_count` and
    `failed_count` is held against the rows it was given and those it names, and where they differ nobody who is not named is taken.
    `accepted` names those the vendor gave an id. With `some_failed` nothing is known of any row that is not named.
    """

    done: bool
    accepted: Sequence[Accepted] = ()
    failed: Sequence[RowError] = ()
    all_failed: str | None = None  # the job failed as a whole: the vendor's code
    some_failed: str | None = None  # rows were refused and the vendor does not say which: its words
    failed_count: int | None = None  # how many it says were refused, those in `failed` among them
    taken_count: int | None = None  # how many it says were taken
    total_count: int | None = None  # how many it says it was given


@dataclass(frozen=True, slots=True)
class SyncObject:
    """What a sync fills at a destination: its kind (list, contact, ...) and the name or id people gave it."""

    kind: str
    name: str | None = None
    options: Mapping[str, Value] = field(default_factory=dict)


EVENT_KINDS = frozenset(
    {"sent", "delivered", "opened", "clicked", "bounced", "unsubscribed", "complained", "converted"}
)
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as every vendor has it. `raw` is the vendor's answer as JSON text."""

    campaign_id: str
    campaign_name: str | None
    channel: str  # email, sms, push, ads
    status: str | None
    started_at: dt.datetime | None
    raw: str = field(repr=False, default="{}")


@dataclass(frozen=True, slots=True)
class CampaignEvent:
    """Something one recipient did or had done: `event_id` is unique per destination for ever."""

    event_id: str
    campaign_id: str | None
    kind: str  # one of EVENT_KINDS; any other is kept as `other`, and counted under what it is called here
    recipient_type: str  # email, phone, profile_id, push_id, ...
    recipient: str = field(repr=False)
    occurred_at: dt.datetime
    touchpoint_id: str | None = None
    raw: str = field(repr=False, default="{}")
    channel: str | None = None  # email, sms, push, where the vendor's name of the event says it


@dataclass(frozen=True, slots=True)
class CampaignDay:
    """One campaign's figures of one day; spend in units of `currency`."""

    campaign_id: str
    date: dt.date
    spend: float | None
    currency: str | None
    impressions: int | None
    clicks: int | None
    conversions: float | None
    raw: str = field(repr=False, default="{}")


Result = Campaign | CampaignEvent | CampaignDay


@dataclass(frozen=True, slots=True)
class Proof:
    """What must be so when a unit is written: `relation` has a row that is as `condition` says. Within the unit the row is
    changed, or deleted without a `change`, so that whoever else writes it waits or fails.
    """

    relation: str
    condition: str
    change: str | None = None

    @property
    def statement(self) -> str:
        """Changes or deletes the row."""
        if self.change is None:
            return f"delete from {self.relation} where {self.condition}"
        return f"update {self.relation} set {self.change} where {self.condition}"
