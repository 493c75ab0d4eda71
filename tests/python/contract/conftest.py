"""One sandbox per test, and every registered destination built against it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from headwater.testing import suite
from sync.destinations import registry
from sync.destinations.base import ObjectType
from sync.records import Mode, Record, SyncObject, Value
from sync.sandbox import start_sandbox
from sync.sandbox.faults import Faults
from sync.sandbox.store import Store

SECRET = "sandbox-secret-5f1c"
HASH = "{:064x}"


@dataclass
class Bench:
    """A sandbox for each vendor that is asked for, and the destinations that talk to it."""

    directory: Path
    until: ExitStack
    faults: Faults = field(default_factory=lambda: Faults(seed=7))
    limited: list[str] = field(default_factory=list)
    served: dict[str, str] = field(default_factory=dict)

    def url(self, vendor: str) -> str:
        """Of a sandbox that serves this vendor; the others' are over the same state."""
        if vendor not in self.served:
            state = self.directory / "sandbox.sqlite"
            self.served[vendor] = self.until.enter_context(
                start_sandbox(state, self.faults, only=vendor)
            )
        return self.served[vendor]

    def destination(self, kind: str, object_kind: str, **settings: Any) -> Any:
        url = "http://127.0.0.1:9" if kind == "files" else self.url(kind)
        given = registry.sandbox_settings(kind, base_url=url, directory=str(self.directory))
        for name in ("api_key", "access_token", "token"):
            if name in registry._class(kind).settings_type.model_fields:
                given[name] = SECRET
        target = SyncObject(object_kind, "Lapsed buyers")
        return registry.create(
            kind,
            name=kind,
            settings={**given, **settings},
            target=target,
            limiter=self.limited.append,
        )

    def store(self) -> Store:
        return Store(self.directory / "sandbox.sqlite")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as until:
        yield Bench(tmp_path, until)


def records(offered: ObjectType, count: int, *, start: int = 0) -> list[Record]:
    """Rows as an activation model would give them for this kind of object."""
    made = []
    for number in range(start, start + count):
        values = {
            "email": f"person{number}@shop.example",
            "phone": f"+4930{number:07d}",
            "domain": f"company{number}.example",
            "profile_id": f"p{number:05d}",
            "country": "DE",
            "postal_code": "10115",
        }
        identifiers = {
            name: HASH.format(number * 31 + index)
            if name.endswith("_sha256")
            else values.get(name, f"{name}-{number}")
            for index, name in enumerate(sorted(offered.identifiers))
        }
        fields: dict[str, Value] = {
            "first_name": "Zoë",
            "lifetime_value_eur": 12.5,
            "message": "Hello",
            "title": "News",
        }
        if not offered.open_fields:
            at = dt.datetime(2026, 11, 2, 9) + dt.timedelta(seconds=number)
            known: dict[str, Value] = {"occurred_at": at, "value": 12.5}
            fields = {name: one for name, one in known.items() if name in offered.known_fields}
        made.append(
            Record(
                key=f"p{number:05d}",
                identifiers=identifiers,
                fields=fields,
                idempotency_key=f"00000000-0000-5000-8000-{number:012d}",
            )
        )
    return made


# The result once its job is decided, which takes a stand-in a few questions at most.
settled = partial(suite.settled, polls=5)


def objects(*modes: Mode) -> list[Any]:
    """A parameter (destination, object kind) for each object that can do one of `modes`."""
    return [
        pytest.param(
            declared.name, kind, id=f"{declared.name}-{kind}",
            marks=() if is_an_example(declared.objects, kind) else pytest.mark.long,
        )
        for declared in map(registry.declaration, registry.shipped())
        for kind, offered in declared.objects.items()
        if offered.modes & set(modes)
    ]  # fmt: skip


def is_an_example(kinds: Mapping[str, ObjectType], kind: str) -> bool:
    """Whether it is a vendor's first object of rows, or of events: the others are its variants."""
    is_event = kinds[kind].modes == {Mode.EVENT}
    return kind == next(
        name for name, one in kinds.items() if (one.modes == {Mode.EVENT}) == is_event
    )


Make = Callable[..., Any]
