"""`sync failures`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.session import chosen_environment
from sync.config.models import SyncDefinition
from sync.engine import scrub as masking
from sync.state.history import RunHistory
from sync.state.tables import Tables
from sync.warehouses.base import Session


@click.command("failures", cls=Verb, example="sync failures --select hubspot_contacts --retry")
@selection_options
@click.option("--sandbox", is_flag=True, help="Rows of the sandbox.")
@click.option("--retry", is_flag=True, help="Let quarantined rows be sent again by the next push.")
@click.option(
    "--dismiss", is_flag=True, help="Leave rows put aside as they are; they count against no push."
)
@click.option(
    "--scrub",
    is_flag=True,
    help="Keep masked what an older version kept in clear: keys, codes, messages.",
)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@json_option
@click.pass_obj
def failures(
    app: App,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    sandbox: bool,
    retry: bool,
    dismiss: bool,
    scrub: bool,
    limit: int,
    as_json: bool,
) -> int:
    """List rows that destinations refused and have not taken since; retry them.

    A failed row is tried again by every push until it has failed five times (`quarantine_after:`); then it waits until the row
    changes or --retry says so. An event of `delivery: at_most_once` whose answer was lost is listed as `unknown` and never sent again.
    A push is not green while somebody waits here: --retry sends the quarantined again, --dismiss says that they were looked at.
    """
    if retry + dismiss + scrub > 1:
        raise click.UsageError(
            "--retry sends rows again, --dismiss leaves them, --scrub rewrites what is kept of them: give one."
        )
    definitions = app.syncs(select, exclude)
    history = RunHistory(
        Tables.of(app.manifest), app.warehouse.dialect, environment=chosen_environment(sandbox)
    )
    scrubbed = 0
    with app.warehouse.session(write=retry or dismiss or scrub) as session:
        if scrub:
            scrubbed = sum(_scrub(session, history, definition) for definition in definitions)
        found = [
            _shown(row, definition)
            for definition in definitions
            for row in history.failures(session, definition.sync_id, limit)
        ][:limit]
        if retry:
            session.execute(*(history.retry(definition.sync_id) for definition in definitions))
        if dismiss:
            session.execute(*(history.dismiss(definition.sync_id) for definition in definitions))
    if as_json:
        app.output.document(
            {"failures": found, "released": retry, "dismissed": dismiss, "scrubbed": scrubbed}
        )
        return 0
    if scrub:
        app.output.note(
            f"{scrubbed:,} keys, codes and messages were kept in clear, and are masked now."
        )
    if not found:
        app.output.note("No row is failing.")
        return 0
    app.output.table(
        ["sync", "key", "action", "status", "message", "attempts", "quarantined", "when (UTC)"],
        [
            [
                row["sync_name"],
                row["sync_key"],
                row["action"],
                row["status"],
                row["message"],
                row["attempts"],
                bool(row["quarantined"]),
                _when(row["failed_at"]),
            ]
            for row in found
        ],
    )
    if dismiss:
        app.output.note(
            "What is put aside stays so, and counts against no push from the next one on."
        )
    if retry:
        app.output.note("Quarantined rows are sent again by the next push.")
    return 0


def _shown(row: dict[str, Any], definition: SyncDefinition) -> dict[str, Any]:
    """A row as it may be shown, also one that was kept before keys and codes were looked at."""
    return {
        **row,
        "sync_name": definition.name,
        "sync_key": masking.shown_key(
            row["sync_key"], sync=definition.sync_id, columns=definition.key
        ),
        "status": masking.code(row["status"] or ""),
        "message": masking.scrub(row["message"] or ""),
    }


def _scrub(session: Session, history: RunHistory, definition: SyncDefinition) -> int:
    """Rewrite what an older version kept in clear; how many there were."""
    statements = []
    for kept in history.refusals(session, definition.sync_id):
        instead = {name: _shown(kept, definition)[name] for name in kept}
        if any(kept[name] not in (None, value) for name, value in instead.items()):
            statements.append(history.rewrite_refusal(definition.sync_id, kept, instead))
    if statements:
        session.execute(*statements)
    return len(statements)


def _when(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if isinstance(moment, dt.datetime) else ""
