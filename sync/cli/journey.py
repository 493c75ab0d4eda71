"""`sync journey`."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sync.audiences import journeys
from sync.audiences.compiled import Compiler
from sync.cli.app import App, Verb, json_option
from sync.cli.definitions import compiler, model_named, model_path
from sync.config.models import COMPANY, PERSON, JourneyModel
from sync.warehouses.base import now_utc


@click.group("journey")
@click.pass_obj
def journey(app: App) -> None:
    """Ask journeys: where people stand, what the next build does, what an edit changes."""
    app.asks = True


@journey.command("list", cls=Verb, example="sync journey list")
@json_option
@click.pass_obj
def list_journeys(app: App, as_json: bool) -> int:
    """Show every journey, with how many have entered and left by the last build, as they are known now."""
    found = []
    aliases = app.manifest.consent_tables().aliases
    with app.warehouse.session() as session:
        for one in app.manifest.journeys():
            counts: dict[str, int | None] = {"entered": None, "left": None}
            if aliases and (columns := session.columns(one.relation)):
                is_of_companies = COMPANY in {column.name.lower() for column in columns}
                key = COMPANY if is_of_companies else PERSON
                counts |= journeys.entered(session, one.relation, aliases, key=key)
            found.append({"name": one.name, **counts})
    if as_json:
        app.output.document({"journeys": found})
        return 0
    app.output.table(
        ["journey", "entered", "left"],
        [[one["name"], one["entered"], one["left"]] for one in found],
    )
    return 0


@journey.command("show", cls=Verb, example="sync journey show win_back")
@click.argument("name")
@click.option("--picture", is_flag=True, help="A Mermaid flow chart instead of a table.")
@json_option
@click.pass_obj
def show(app: App, name: str, picture: bool, as_json: bool) -> int:
    """Show the steps of a journey: how many stand before each, passed it, and would pass it in a build now.

    NAME is a journey of the project, as its file is now.
    """
    model = _model(app, name)
    with compiler(app) as dbt:
        compiled = dbt.journey_file(model_path(app, model), model.name)
    with app.warehouse.session() as session:
        found = journeys.show(session, compiled)
    if as_json:
        app.output.document(found)
        return 0
    if picture:
        app.output.text(journeys.picture(found))
        return 0
    output = app.output
    output.text(
        f"{found['journey']}: {found['entered']:,} entered, {found['entering']:,} would now"
    )
    output.text(
        f"{found['inside']:,} inside, {found['kept']:,} inside by an earlier version, {found['left']:,} left, "
        f"{found['gone']:,} known no more"
    )
    if found["logged"] != found["entered"]:
        output.text(
            f"{found['logged']:,} entries in the log: who became one counts once, who was taken out of another counts too"
        )
    output.text(f"entry: {found['entry']}")
    if found["exit_when"]:
        output.text(f"exit when: {found['exit_when']}")
    kept = [one for one in found["versions"] if one["is_kept"]]
    for one in kept:
        output.text(
            f"{one['inside']:,} inside keep version {one['version']}, by which they entered"
        )
    if kept:
        output.text(f"below: version {found['versions'][-1]['version']}, and whom it moves")
    output.text()
    output.table(
        ["step", "type", "what", "before it", "passed", "a build now"],
        [
            [
                one["name"],
                one["type"],
                one["words"],
                one["standing"],
                _outcomes(one["passed"], one.get("contacts")),
                _outcomes(one["next"], one.get("next_contacts")),
            ]
            for one in found["steps"]
        ],
    )
    return 0


@journey.command("diff", cls=Verb, example="sync journey diff win_back")
@click.argument("name")
@click.option(
    "--to", "file", type=click.Path(path_type=Path, dir_okay=False), help="The new definition."
)
@json_option
@click.pass_obj
def diff(app: App, name: str, file: Path | None, as_json: bool) -> int:
    """Show who would receive what in a build now because the journey NAME was edited, and who no longer.

    The new definition is that of the model's file now, or of --to FILE; the old one is that of dbt's last build or parse. An edit that the
    build would refuse is refused here with the same words.
    """
    model = _model(app, name)
    with compiler(app) as dbt:
        new = _new(app, dbt, model, file)
        old = dbt.journey(model.definition, model.name)
    with app.warehouse.session() as session:
        found = journeys.diff(session, old, new)
    if as_json:
        app.output.document(found)
        return 0
    moved = [one for one in found["steps"] if one["only_by_the_edit"] or one["no_longer"]]
    if not moved:
        app.output.text(f"{found['journey']}: a build now would do the same by both definitions.")
        return 0
    app.output.table(
        ["step", "type", "outcome", "because of the edit", "no longer", "in any case"],
        [
            [
                one["name"],
                one["type"],
                _outcome(one),
                one["only_by_the_edit"],
                one["no_longer"],
                one["in_any_case"],
            ]
            for one in moved
        ],
    )
    return 0


@journey.command(
    "replay", cls=Verb, example="sync journey replay win_back --from 2026-09-01 --to 2026-09-30"
)
@click.argument("name")
@click.option("--from", "first", type=click.DateTime(), required=True, help="The first build, UTC.")
@click.option("--to", "last", type=click.DateTime(), required=True, help="The last build, UTC.")
@click.option("--every", type=click.IntRange(1, 168), default=24, show_default=True, help="Hours.")
@json_option
@click.pass_obj
def replay(
    app: App, name: str, first: dt.datetime, last: dt.datetime, every: int, as_json: bool
) -> int:
    """Show what the journey NAME, as its file is now, would have done over past days, beginning with nobody inside; nothing is sent.

    Events and dates are those of then; traits are those of now, since nothing else is known, and nobody opens what was not sent.
    """
    if last < first:
        raise click.UsageError("--to is before --from.")
    instants = _instants(first, last, every)
    return _replay(app, name, instants, from_log=False, as_json=as_json)


@journey.command("forecast", cls=Verb, example="sync journey forecast win_back --days 14")
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 90), default=14, show_default=True)
@click.option("--every", type=click.IntRange(1, 168), default=24, show_default=True, help="Hours.")
@json_option
@click.pass_obj
def forecast(app: App, name: str, days: int, every: int, as_json: bool) -> int:
    """Show what the journey NAME, as its file is now, will send in the next days, if nobody does anything; nothing is sent.

    It goes on from those inside now. Who comes in because time passes is counted, who comes in by an event is not.
    """
    told = os.environ.get("HEADWATER_AS_OF")
    now = dt.datetime.fromisoformat(told) if told else now_utc()
    instants = _instants(now, now + dt.timedelta(days=days), every)
    return _replay(app, name, instants, from_log=True, as_json=as_json)


def _instants(first: dt.datetime, last: dt.datetime, every: int) -> list[dt.datetime]:
    step = dt.timedelta(hours=every)
    count = int((last - first) / step) + 1
    if count > 1000:
        raise click.UsageError(
            f"{count:,} builds are too many: 1,000 at most; --every has more hours."
        )
    return [first + number * step for number in range(count)]


def _replay(
    app: App, name: str, instants: list[dt.datetime], *, from_log: bool, as_json: bool
) -> int:
    model = _model(app, name)
    path = model_path(app, model)
    entry = model.definition.get("entry")
    entered_by = str((entry if isinstance(entry, Mapping) else {}).get("audience") or "")
    audiences = {one.name: one for one in app.manifest.audiences()}
    definition = audiences[entered_by].definition if entered_by in audiences else None
    if entered_by and definition is None:
        app.output.note(
            f"{entered_by} is plain SQL: its members are those of the last build, on every day."
        )
    before, _, after = app.manifest.source("sync", "ledger").rpartition("ledger")
    log = None
    with app.warehouse.session() as session:
        if from_log and session.columns(model.relation):
            log = model.relation
    with compiler(app) as dbt:
        found = journeys.replay(
            app.warehouse,
            lambda now, table: dbt.replayed(
                path, model.name, now=now, log=table, audience=definition
            ),
            instants,
            scratch=f"{before}replay_{model.name}{after}",
            log=log,
            others={
                one.name: one.relation for one in app.manifest.journeys() if one.name != model.name
            },
        )
    found["cost"] = _cost(app, found["sends"])
    found = {"journey": model.name, "from": str(instants[0]), "to": str(instants[-1]), **found}
    if as_json:
        app.output.document(found)
        return 0
    app.output.text(
        f"{model.name}: {len(instants)} builds from {instants[0]} to {instants[-1]} (UTC)"
    )
    app.output.text()
    app.output.table(
        ["step", "type", "outcome", "entries"],
        [[one["name"], one["type"], _outcome(one), one["entries"]] for one in found["steps"]],
    )
    app.output.text()
    app.output.table(
        ["day (UTC)", "channel", "destination", "messages due"],
        [
            [one["day"], one["channel"] or "task", one["destination"], one["messages"]]
            for one in found["sends"]
        ],
    )
    for one in found["collisions"]:
        app.output.note(
            f"{one['messages']:,} of these messages go to people ({one['people']:,}) who were due one of {one['journey']} on the "
            "same day: caps, `exclusion:` and the journeys' order keep them apart."
        )
    for one in found["cost"]:
        app.output.note(
            f"{one['destination']}: {one['messages']:,} messages cost {one['cost']} {one['currency']}."
        )
    return 0


def _cost(app: App, sends: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each destination that says a price: messages, and what they cost."""
    messages: Counter[str] = Counter()
    for one in sends:
        messages[str(one["destination"])] += one["messages"]
    found = []
    for name, count in sorted(messages.items()):
        entry = app.destinations.entries.get(name)
        if entry is not None and entry.price is not None:
            price = entry.price
            found.append(
                {
                    "destination": name,
                    "messages": count,
                    "cost": f"{count * price.amount:.2f}",
                    "currency": price.currency,
                }
            )
    return found


def _new(app: App, dbt: Compiler, model: JourneyModel, file: Path | None) -> Any:
    return dbt.journey_file(file or model_path(app, model), model.name)


def _outcomes(counts: dict[str, int], contacts: dict[str, int] | None = None) -> str:
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
    return f"{said} (contacts: {_outcomes(contacts)})".strip() if contacts else said


def _outcome(step: dict[str, Any]) -> str:
    return f"{step['outcome']}, of contacts" if step["is_of_contacts"] else str(step["outcome"])


def _model(app: App, name: str) -> JourneyModel:
    return model_named(
        app.manifest.journeys(), "journey", name,
        hint="sync journey list shows all; a new one wants dbt parse.",
    )  # fmt: skip
