"""`sync pull`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import click

from sync.cli.alerting import Alerts, Subject, pull_name
from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.push import stoppable
from sync.cli.session import chosen_environment, connector
from sync.cli.watch import CommandWatcher
from sync.engine.alerts import Change
from sync.engine.connect import Connector
from sync.engine.context import new_run_id
from sync.engine.pull import LOOK_BACK_DAYS, PullContext, Puller, PullResult
from sync.engine.scrub import scrub
from sync.errors import UnexpectedError
from sync.records import SyncObject
from sync.report import metrics
from sync.state.tables import ResultTables, Tables


@click.command("pull", cls=Verb, alarms=True, example="sync pull --select destination:klaviyo")
@selection_options
@click.option("--sandbox", is_flag=True, help="Pull what the local stand-ins simulate.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Read from this day, whatever was read."
)
@click.option(
    "--look-back-days",
    type=float,
    default=LOOK_BACK_DAYS,
    show_default=True,
    help="Read so many days again: vendors restate their figures.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text")
@json_option
@click.pass_obj
def pull(
    app: App,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    sandbox: bool,
    since: dt.datetime | None,
    look_back_days: float,
    log_format: str,
    as_json: bool,
) -> int:
    """Bring campaign results back into the warehouse.

    Pulls every destination of the selected syncs that can report. Safe to repeat: results are merged by their natural keys.
    """
    app.output.logs_json = log_format == "json"
    environment = chosen_environment(sandbox)
    definitions = app.syncs(select, exclude)
    run_id = new_run_id()
    with (
        connector(app, environment) as connections,
        CommandWatcher(app.output, run_id=run_id, debug=app.debug) as watcher,
        stoppable(app) as stop,
    ):
        targets: dict[str, SyncObject] = {}
        for definition in definitions:
            targets.setdefault(definition.destination, definition.object)
        context = PullContext(
            warehouse=app.warehouse,
            tables=Tables.of(app.manifest),
            results=ResultTables.of(app.manifest),
            connector=connections,
            environment=environment,
            run_id=run_id,
            look_back_days=look_back_days,
            since=since,
            stop=stop,
            watcher=watcher,
        )
        found = [
            Puller(context, name, targets[name]).pull()
            for name in _reporting(connections, list(targets))
            if not stop.is_set()
        ]
    metrics.export([_measured(one, environment) for one in found], log=watcher.log)
    if environment == "live" and not stop.is_set() and not app.why_not_live(environment):
        alerts = Alerts(app, Subject.of_pulls(definitions), run_id=run_id, log=watcher.log)
        told = alerts.told()
        alerts.tell([news for one in found if (news := _news(one, told)) is not None])
    if as_json:
        app.output.document({"run_id": run_id, "destinations": [_summary(one) for one in found]})
    else:
        _text(app, found)
    if stop.is_set() or any(isinstance(one.error, UnexpectedError) for one in found):
        return 2
    return 1 if any(one.status != "success" for one in found) else 0


def _measured(result: PullResult, environment: str) -> metrics.Measured:
    return metrics.Measured(
        "pull",
        {"destination": result.destination, "environment": environment},
        result.status,
        result.seconds,
        {"campaigns": result.campaigns, "events": result.events},
    )


def _news(result: PullResult, told: Mapping[str, str | None]) -> Change | None:
    """What changed since somebody was told: without results, who unsubscribed at the vendor is not known here."""
    name = pull_name(result.destination)
    before = told.get(name) or "success"
    if result.status == before:
        return None
    message = scrub(result.error.message) if result.error else ""
    return Change(name, result.status, before, message)


def _reporting(connections: Connector, names: list[str]) -> list[str]:
    return [name for name in names if connections.declaration(name).pulls]


def _summary(result: PullResult) -> dict[str, object]:
    return {
        "destination": result.destination,
        "status": result.status,
        "campaigns": result.campaigns,
        "events": result.events,
        "days": result.days,
        "other": result.other,
        "since": result.since,
        "seconds": round(result.seconds, 3),
        "message": result.error.message if result.error else None,
    }


def _text(app: App, found: list[PullResult]) -> None:
    if not found:
        app.output.note("None of these destinations reports results.")
        return
    app.output.table(
        ["destination", "status", "campaigns", "events", "other", "days", "seconds"],
        [
            [
                one.destination,
                one.status,
                one.campaigns,
                one.events,
                sum(one.other.values()),
                one.days,
                float(one.seconds),
            ]
            for one in found
        ],
    )
    for one in found:
        if one.error:
            app.output.refusal(one.error.message, one.error.hint)
        elif one.note:
            app.output.note(f"{one.destination}: {one.note}")
