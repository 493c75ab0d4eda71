"""The suite that other packages get, over what this one ships: one belief of what a destination owes, for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from headwater.testing import Adapter, DestinationSuite
from sync.destinations import registry
from sync.records import Record
from sync.sandbox.store import Store

from . import content

NAMES_NOBODY = {
    ("hubspot", "task"),
    ("hubspot", "event"),
    *(
        ("klaviyo", kind)
        for kind in ("event", "email_subscription", "sms_subscription", "suppression")
    ),
    *(
        ("google_data_manager", kind)
        for kind in registry.declaration("google_data_manager").objects
    ),
}


def _suite(case: content.Content) -> type[DestinationSuite]:
    is_event = case in content.EVENTS

    def holds(record: Record) -> Mapping[Any, Any]:
        more = (int(record.key[1:]),) if is_event else ()
        return case.expected(record.key, record.identifiers, record.fields, *more)

    def held(store: Store, vendor: str, name: str) -> Mapping[Any, Any]:
        found = case.held(store.path.parent)
        if case.kind == "onesignal" and not is_event:  # users stay; whose tag is gone is out
            return {key: user for key, user in found.items() if content.NAME in user["tags"]}
        return found

    needs = case.needs

    def there(bench: Any, rows: Sequence[Record]) -> None:
        assert needs is not None
        needs(bench.settings()["base_url"].removesuffix(f"/{case.kind}"), rows)

    adapter = Adapter(
        registry._class(case.kind),
        case.object_kind,
        identifiers=case.identifiers,
        fields=case.fields,
        holds=holds,
        held=held,
        settings=dict(case.settings),
        names_refused_rows=(case.kind, case.object_kind) not in NAMES_NOBODY,
        objects_are_apart=False,
        reads_answers=case.kind != "webhook",
        rows=60,
        needs=None if needs is None else there,
    )
    name = f"Test{case.kind.title().replace('_', '')}{case.object_kind.title()}"
    return type(name, (DestinationSuite,), {"adapter": adapter, "__module__": __name__})


for _case in [*content.RECORDS, *content.EVENTS]:
    if _case.kind != "files":
        _made = _suite(_case)
        globals()[_made.__name__] = _made if _case.is_example else pytest.mark.long(_made)
