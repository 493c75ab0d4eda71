"""What the vendor can tell before anything is sent: whether the credentials reach the sync's object, and whether it has the fields."""

from __future__ import annotations

from sync.config.models import SyncDefinition
from sync.destinations.base import KnowsFields
from sync.engine.connect import Connection
from sync.engine.plan.planner import Mapping
from sync.errors import RefusedError
from sync.records import Mode


def check_fields(definition: SyncDefinition, connection: Connection, mapping: Mapping) -> None:
    """Ask whether the object has a property for every field of the sync.

    Raises:
        RefusedError: it has not; all of them are named, by column and property.
        DestinationError: the vendor was asked and did not answer.
    """
    destination = connection.destination
    if definition.mode is Mode.REMOVE or not isinstance(destination, KnowsFields):
        return
    unknown = destination.unknown_fields(list(mapping.fields))
    if not unknown:
        return
    title, model = connection.declaration.title, definition.model.name
    named = ", ".join(
        f"column '{mapping.fields[one.field]}' goes to property '{one.property}', which {one.why}"
        for one in unknown
    )
    raise RefusedError(
        "fields",
        f"sync '{definition.name}': {title} does not take {len(unknown)} of its fields: {named}.",
        hint=f"make the property in {title}, give the column another name by fields: in {definition.path}, or leave it out "
        f"of '{model}'.",
    )
