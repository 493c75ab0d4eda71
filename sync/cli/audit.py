"""`sync audit`."""

from __future__ import annotations

import threading
from typing import Any

import click

from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.planning import planning
from sync.cli.session import chosen_environment, connector
from sync.engine.audit import Audited
from sync.engine.audit import audit as audit_one
from sync.engine.retry import Retrier, RetryPolicy
from sync.engine.scrub import scrub, shown_key
from sync.errors import HeadwaterError

SHOWN = 5


@click.command("audit", cls=Verb, example="sync audit --select hubspot_lapsed_buyers --repair")
@selection_options
@click.option("--sandbox", is_flag=True, help="Ask the local stand-ins.")
@click.option("--repair", is_flag=True, help="Let the next push mend what drifted.")
@json_option
@click.pass_obj
def audit(
    app: App,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    sandbox: bool,
    repair: bool,
    as_json: bool,
) -> int:
    """Ask the vendors who is there, and compare with the ledger: who is missing, changed, or there still; send nothing.

    Exit code 1 where anything drifted, or a vendor did not answer.
    """
    definitions, environment = app.syncs(select, exclude), chosen_environment(sandbox)
    shared, found = planning(app, environment), list[dict[str, Any]]()
    retrier = Retrier(RetryPolicy(), threading.Event())
    with connector(app, environment) as connections:
        for definition in definitions:
            made, error = Audited(definition.name), None
            try:
                connection = connections.connect(definition.destination, definition.object)
                made = audit_one(shared, definition, connection, retrier, repair=repair)
            except HeadwaterError as caught:
                error = caught
            shown = [
                shown_key(key, sync=definition.sync_id, columns=definition.key)
                for key in [*made.missing, *(made.changed or ()), *(made.extra_ours or ())][:SHOWN]
            ]
            fields = sorted({name for names in (made.changed or {}).values() for name in names})
            found.append(
                {
                    "name": made.name,
                    "held": made.held,
                    "doubted": made.doubted,
                    "missing": len(made.missing),
                    "changed": None if made.changed is None else len(made.changed),
                    "compared": made.compared,
                    "fields": fields,
                    "extra_ours": None if made.extra_ours is None else len(made.extra_ours),
                    "extra_others": made.extra_others,
                    "matched": made.matched,
                    "keys": shown,
                    "repaired": made.repaired,
                    "message": scrub(error.message) if error else made.why_not,
                    "failed": error is not None,
                }
            )
    if as_json:
        app.output.document({"syncs": found})
    else:
        _text(app, found)
    return 1 if any(one["failed"] or _drifted(one) for one in found) else 0


def _drifted(one: dict[str, Any]) -> int:
    return int(one["missing"]) + int(one["changed"] or 0) + int(one["extra_ours"] or 0)


def _text(app: App, found: list[dict[str, Any]]) -> None:
    app.output.table(
        ["sync", "held", "in doubt", "missing", "changed", "taken out", "of others", "counted", ""],
        [
            [
                one["name"],
                one["held"],
                one["doubted"],
                one["missing"],
                *(
                    "" if one[name] is None else one[name]
                    for name in ("changed", "extra_ours", "extra_others", "matched")
                ),
                one["message"] or ", ".join([*one["keys"], *one["fields"]]),
            ]
            for one in found
        ],
    )
    drifted = sum(map(_drifted, found))
    if drifted and not any(one["repaired"] for one in found):
        app.output.note("sync audit --repair lets the next push mend it, through its gates.")
    elif drifted:
        app.output.note("The next push mends it, through its gates: sync plan shows it.")
