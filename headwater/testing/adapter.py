"""What the suite must be told of one destination: its rows, and what its stand-in holds of them in the vendor's words."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync.destinations.base import Declaration, ObjectType
from sync.records import Record, Value
from sync.sandbox.store import Store

Held = Mapping[Any, Any]


def every_type(number: int) -> dict[str, Value]:
    """Fields of every type; no two numbers have a value in common but for booleans."""
    return {
        "first_name": f"Zoë {number}",
        "lifetime_value_eur": number + 0.25,
        "visits": number * 7 + 1,
        "is_vip": number % 2 == 0,
        "last_order_at": dt.datetime(2026, 11, 1) + dt.timedelta(seconds=61 * number),
        "birth_date": dt.date(1950, 1, 1) + dt.timedelta(days=number),
        "note": f'"{number}", Łukasz & Söhne <b>\n🎉',
    }


def members(kind: str, unique: str | None = None) -> Callable[[Store, str, str], Held]:
    """A reading of a stand-in that keeps members below an object of `kind`: by member id, or by what stands in the field `unique`."""

    def held(store: Store, vendor: str, name: str) -> Held:
        found: dict[Any, Any] = {}
        for _, key, called in store.objects(vendor, kind):
            if called == name:
                found |= store.members(vendor, key)
        return {row[unique]: row for row in found.values()} if unique else found

    return held


def events(store: Store, vendor: str, name: str) -> Held:  # noqa: ARG001 - a reading of all events
    """A reading of a stand-in that keeps events: by event id."""
    return {event["event_id"]: event["data"] for event in store.events(vendor)}


@dataclass(frozen=True, kw_only=True)
class _Told:
    identifiers: Callable[[int], Mapping[str, str]]
    """Identifiers of row number n; let some rows lack some, and no two rows share any."""

    holds: Callable[[Record], Held]
    """What the stand-in should hold of a row, as {member: fields}, written from the vendor's pages and not from the module."""

    held: Callable[[Store, str, str], Held]
    """What the stand-in holds, from (store, vendor, name of the object): `members(kind)`, `events`, or a reading of yours."""

    fields: Callable[[int], Mapping[str, Value]] = every_type
    """Fields of row number n; no two rows share a value that tells them apart."""

    stand_in: Any = None
    """Module of the stand-in; None where its entry point is installed."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings beside those of the sandbox."""

    options: Mapping[str, Value] = field(default_factory=dict)
    """Options of the sync's object."""

    names_refused_rows: bool = True
    """False where the vendor never says which row it refused."""

    objects_are_apart: bool = True
    """False where objects of two names hold the same members (a CRM's contacts)."""

    reads_answers: bool = True
    """False where the vendor's status alone says that it took a request, whatever the body."""

    needs: Callable[[Any, Sequence[Record]], None] | None = None
    """What makes, of (bench, rows), whatever must be there before rows can be sent: contacts that are to have a tag."""

    rows: int = 660
    """How many rows are compared field by field; more than a batch, where batches are small."""


@dataclass(frozen=True)
class Adapter(_Told):
    """One kind of object of one destination."""

    destination: Any
    """The destination's class."""

    object_kind: str

    @property
    def declaration(self) -> Declaration:
        found: Declaration = self.destination.declaration
        return found

    @property
    def able(self) -> ObjectType:
        return self.declaration.objects[self.object_kind]

    @property
    def vendor(self) -> str:
        return self.declaration.name

    def records(self, numbers: Iterable[int], *, shift: int = 0) -> list[Record]:
        """Rows by number; with `shift` the same people with other fields."""
        return [
            Record(
                key=f"k{number:05d}",
                identifiers=self.identifiers(number),
                fields=self.fields(number + shift),
                idempotency_key=str(uuid.uuid5(uuid.NAMESPACE_URL, f"event {number}")),
            )
            for number in numbers
        ]

    def wanted(self, records: Iterable[Record]) -> dict[Any, Any]:
        """What should be held once these rows were sent."""
        found: dict[Any, Any] = {}
        for record in records:
            found |= self.holds(record)
        return found
