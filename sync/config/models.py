"""What a sync is: the exposure's definition, validated once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync.records import Kind, Mode, SyncObject, Value


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits that stop a sync before anything is sent; None is no limit.

    Percentages are of the rows the destination holds by the ledger; that of events is over the busiest day. Additions and events are
    those of a day, of which `free_additions` are never stopped by a percentage.
    """

    min_rows: int = 1
    max_removals: int | None = None
    max_removals_percent: float | None = 20.0
    max_changes: int | None = None
    max_changes_percent: float | None = None
    max_additions: int | None = None
    max_additions_percent: float | None = 50.0
    max_events: int | None = None
    max_events_percent: float | None = 100.0
    free_additions: int = 100


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent that a person must not have refused."""

    channel: str
    purpose: str


PERSON = "profile_id"  # the column that says whose row it is
COMPANY = "account_id"  # that of a company
NOT_SENT = ("withheld_reason", "row_hash", "qualified_at")  # columns that only the plan reads
TOUCHPOINT = "touchpoint_id"  # the column that says which message of a journey it is
# The models that a plan asks for permission.
CONSENT_MODEL, SUPPRESSIONS_MODEL = "profile_consent", "profile_suppressions"
ALIASES_MODEL = "identity_aliases"  # which id a merged one became


@dataclass(frozen=True, slots=True)
class ConsentTables:
    """Where the project keeps who agreed to what, who must not be written to and who became whom; None where it has no such model."""

    consent: str | None = None
    suppressions: str | None = None
    aliases: str | None = None


@dataclass(frozen=True, slots=True)
class JourneyLog:
    """A journey's log of steps, the names that its steps had before: (old, new), and the column that says who goes through it."""

    name: str
    relation: str
    renamed: tuple[tuple[str, str], ...] = ()
    key: str = PERSON


@dataclass(frozen=True, slots=True)
class AudienceModel:
    """An audience as the manifest has it; `definition` is that of the last parse, None where it is plain SQL."""

    name: str
    relation: str
    entity: str
    path: str  # from the folder of its package
    package: str
    definition: Mapping[str, Any] | None
    description: str = ""


@dataclass(frozen=True, slots=True)
class JourneyModel:
    """A journey as the manifest has it; `definition` is that of the last parse."""

    name: str
    relation: str
    path: str  # from the folder of its package
    package: str
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Nulls:
    """Whether a null field is left out of the record or sent as null (which clears it at most vendors)."""

    default: str = "omit"
    fields: Mapping[str, str] = field(default_factory=dict)

    def sends(self, name: str) -> bool:
        """Whether a null of this column is sent, to clear the value at the vendor."""
        return self.fields.get(name, self.default) == "send"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation, named in lower case; its type as the warehouse calls it, and what that is; its name as it is stored."""

    name: str
    type: str
    kind: Kind = Kind.TEXT
    stored: str = ""


@dataclass(frozen=True, slots=True)
class WrongModel:
    """An audience or journey whose definition is wrong, as dbt found while it read the project; such a model is not built."""

    name: str
    path: str  # from the folder of its package
    package: str
    mistakes: tuple[str, ...]
    is_journey: bool


@dataclass(frozen=True, slots=True)
class Model:
    """A dbt model as the manifest has it."""

    unique_id: str
    name: str
    relation: str
    tags: frozenset[str]
    tests: tuple[str, ...] = ()  # unique ids of the data tests on it
    upstream: tuple[str, ...] = ()  # of all that it is built from, and of the tests of that
    asked: tuple[str, ...] = ()  # names of what a plan asks and it is not built from
    meta: Mapping[str, object] = field(default_factory=dict)
    journeys: tuple[JourneyLog, ...] = ()  # that it is built from
    wrong: tuple[WrongModel, ...] = ()  # of what it is built from
    # For people between two steps: the log, and every name the second step has had.
    between: tuple[tuple[JourneyLog, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Canary:
    """So many rows go first and alone; the others only where no more than that share of them was not taken."""

    rows: int
    max_failed_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Described:
    """A relation and what the project says of it; `record` is what `config: meta: record:` says its rows are of."""

    name: str
    relation: str
    description: str
    columns: Mapping[str, str]
    record: Mapping[str, Any]
    has_contract: bool = False  # its columns are all there are

    @property
    def source_name(self) -> str:
        """What identity calls its records, where it has some (macros/registry/record_sources.sql)."""
        told = self.record.get("source_name")
        return str(told or self.name.removeprefix("stg_").replace("__", "_"))


@dataclass(frozen=True, slots=True)
class SyncDefinition:
    """One sync: which rows go where, and how."""

    name: str
    destination: str
    object: SyncObject
    mode: Mode
    key: tuple[str, ...]
    identifiers: tuple[str, ...]
    model: Model
    path: str  # the file that declares it, for hints
    owner: str = ""
    owners: tuple[str, ...] = ()  # the same owner by name and by e-mail
    description: str = ""
    tags: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=dict)  # vendor field -> column
    consent: Consent | None = None
    guards: Guards = Guards()
    nulls: Nulls = Nulls()
    delivery: str | None = None
    max_age_hours: float | None = None
    quarantine_after: int = 5
    refresh_days: int | None = None  # instead of those that the destination declares
    canary: Canary | None = None
    # Identifiers that a row goes without, where they are another record's at the vendor.
    left_out_on_conflict: tuple[str, ...] = ()
    tells_merges: bool = True  # whether the destination is told who was merged into whom
    after: tuple[str, ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    id: str = ""  # the name its state is kept under; empty is its own name
    account: str = ""  # that its destination's credentials reach, once it is known
    nobody: tuple[str, str] = ("", "")  # why the project can have no rows for it, and what to do

    @property
    def sync_id(self) -> str:
        """The name its state is kept under, which a new name of the exposure leaves as it is."""
        return self.id or self.name

    def fields_of(self, columns: Sequence[str]) -> dict[str, str]:
        """Vendor field -> column, of a table with these columns: what is named here, and every other column under its own name."""
        renamed = set(self.fields.values())
        taken = {*NOT_SENT, *self.key, *self.identifiers, *renamed}
        return {column: column for column in columns if column not in taken} | dict(self.fields)

    def asks(self, columns: Collection[str]) -> tuple[str, ...]:
        """The models that a plan asks for permission, of a table with these columns: none for companies, nor to take somebody out."""
        if self.mode is Mode.REMOVE:
            return ()
        if self.consent is not None:
            return (CONSENT_MODEL, SUPPRESSIONS_MODEL)
        return (SUPPRESSIONS_MODEL,) if PERSON in columns else ()

    @property
    def filled(self) -> str:
        """Hash of what rows are part of when the ledger holds them: the object at the account, whatever either is called here.

        Syncs that fill the same one share its members.
        """
        account = self.account or f"destination {self.destination}"
        named = [self.object.kind, self.object.name]
        return _hash({"holds": self._holds, "account": account, "object": named})

    @property
    def place(self) -> str:
        """Hash of where rows are and under which key: a row held elsewhere is not held here."""
        return f"{self.filled}-{_hash({'key': list(self.key)})}"

    @property
    def definition_hash(self) -> str:
        """`<place>.<hash of what decides how a row is sent>`: a change of it sends the rows again."""
        return f"{self.place}.{_hash(self._sent)}"

    @property
    def former_place(self) -> str:
        """The place as it was kept before accounts were known."""
        if self.mode is Mode.EVENT:
            return _hash({"holds": self._holds})
        return _hash({"holds": self._holds, **self._formerly_at})

    @property
    def former_hash(self) -> str:
        """The definition's hash as it was kept before accounts were known."""
        return f"{self.former_place}.{_hash({**self._formerly_at, **self._sent})}"

    @property
    def _holds(self) -> str:
        return {Mode.EVENT: "events", Mode.REMOVE: "removed"}.get(self.mode, "members")

    @property
    def _sent(self) -> dict[str, Any]:
        """What decides how a row is sent."""
        told = {
            "identifiers": sorted(self.identifiers),
            "fields": dict(self.fields),
            "nulls": [self.nulls.default, dict(self.nulls.fields)],
        }
        # What was left as it was, since it was there, is not what another mode would have sent.
        return told | {"mode": self.mode.value} if self.mode is Mode.CREATE_ONLY else told

    @property
    def _formerly_at(self) -> dict[str, Any]:
        return {"destination": self.destination, "object": [self.object.kind, self.object.name]}


def _hash(content: Mapping[str, object]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()[:16]
