"""`sync list`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.session import connector
from sync.config.destinations import environment_name
from sync.config.models import SyncDefinition
from sync.engine.plan import capability
from sync.errors import HeadwaterError


@click.command("list", cls=Verb, example="sync list --select destination:klaviyo --json")
@selection_options
@json_option
@click.pass_obj
def list_syncs(app: App, select: tuple[str, ...], exclude: tuple[str, ...], as_json: bool) -> int:
    """Show every sync the project defines."""
    definitions = app.syncs(select, exclude)
    deliveries = _deliveries(app, definitions)
    rows = [
        {
            "name": definition.name,
            "destination": definition.destination,
            "object": {definition.object.kind: definition.object.name},
            "mode": definition.mode.value,
            "model": definition.model.name,
            "delivery": deliveries.get(definition.name),
        }
        for definition in definitions
    ]
    if as_json:
        app.output.document({"syncs": rows})
        return 0
    if not rows:
        app.output.note("The project defines no sync: an exposure with config.meta.sync is one.")
        return 0
    app.output.table(
        ["sync", "destination", "object", "mode", "delivery", "model"],
        [
            [
                row["name"],
                row["destination"],
                _object(row["object"]),
                row["mode"],
                row["delivery"] or "?",
                row["model"],
            ]
            for row in rows
        ],
    )
    return 0


def _deliveries(app: App, definitions: Sequence[SyncDefinition]) -> dict[str, str]:
    """What a crash may do to a row, by sync; a sync is absent, and a note says why, while destinations.yml does not say where it goes."""
    found: dict[str, str] = {}
    reasons: dict[str, None] = {}
    try:
        with connector(app, environment_name(), start=False) as connections:
            for definition in definitions:
                try:
                    declaration = connections.declaration(definition.destination)
                    offered = capability.object_type(definition, declaration)
                    found[definition.name] = capability.guarantee(definition, offered)
                except HeadwaterError as error:
                    reasons[error.message] = None
    except HeadwaterError as error:
        reasons[error.message] = None
    for reason in reasons:
        app.output.note(f"Delivery unknown: {reason}")
    return found


def _object(value: object) -> str:
    assert isinstance(value, dict)  # noqa: S101
    kind, name = next(iter(value.items()))
    return f"{kind}: {name}" if name else str(kind)
