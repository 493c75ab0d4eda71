"""`sync history`."""

from __future__ import annotations

import json
from typing import Any

import click

from sync.cli.app import App, Verb, json_option
from sync.cli.session import chosen_environment
from sync.engine.scrub import shown_key
from sync.identity.mask import mask
from sync.state.sent import PeopleTables, Sent
from sync.state.tables import Tables

WORDS = {
    "attempt": "sent, no answer",
    "repeat": "sent, no answer; goes again",
    "claim": "about to be sent",
    "release": "not sent",
    "forget": "no longer followed",
    "outdated": "taken out, since it changed",
}


@click.command("history", cls=Verb, example="sync history anna@example.com")
@click.argument("who")
@click.option("--sandbox", is_flag=True, help="What the sandbox was sent.")
@click.option("--limit", type=click.IntRange(1), default=200, help="The latest so many lines.")
@click.option("--show-values", is_flag=True, help="Print e-mails, phones and ids unmasked.")
@json_option
@click.pass_obj
def history(app: App, who: str, sandbox: bool, limit: int, show_values: bool, as_json: bool) -> int:
    """Show what was sent to WHO, when and by which run: an id of a person or company, an e-mail or telephone number, or a sync's key.

    A person who was merged is found by every id they ever had, a journey's message by whom it was for. Identifiers are masked.
    """
    manifest = app.manifest
    names = {one.sync_id: one for one in manifest.syncs()}
    people = PeopleTables(
        identifiers=manifest.relation("profile_identifiers"),
        aliases=manifest.consent_tables().aliases,
        touchpoints=manifest.relation("int_campaigns__touchpoints"),
    )
    environment = chosen_environment(sandbox)
    sent = Sent(app.warehouse, Tables.of(manifest), people, environment=environment)
    with app.warehouse.session() as session:
        found = sent.rows(session, who, sent.ids(session, who), limit=limit)
    lines = [_line(row, names, show_values) for row in found]
    if as_json:
        app.output.document({"environment": environment, "sent": lines})
        return 0
    if not lines:
        app.output.note("Nothing was sent to them, by this id or value.")
        return 0
    app.output.table(
        ["when (UTC)", "sync", "destination", "action", "sent with", "run"],
        [
            [
                f"{one['at']:%Y-%m-%d %H:%M:%S}",
                one["sync"],
                one["destination"] or "",
                one["action"],
                ", ".join(f"{name} {value}" for name, value in one["identifiers"].items()),
                one["run_id"],
            ]
            for one in lines
        ],
    )
    return 0


def _line(row: dict[str, Any], names: dict[str, Any], show: bool) -> dict[str, Any]:
    definition = names.get(row["sync_name"])
    identifiers = json.loads(row["identifiers"]) if row["identifiers"] else {}
    key = row["sync_key"]
    if not show:
        columns = definition.key if definition else ()
        key = shown_key(key, sync=row["sync_name"], columns=columns)
    return {
        "at": row["acknowledged_at"],
        "sync": definition.name if definition else row["sync_name"],
        "destination": definition.destination if definition else None,
        "action": WORDS.get(row["action"], row["action"]),
        "key": key,
        "identifiers": {
            name: mask(name, str(value), show=show) for name, value in identifiers.items() if value
        },
        "run_id": row["run_id"],
    }
