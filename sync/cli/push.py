"""`sync push`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from sync.cli.alerting import Alerts, Subject
from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.plan import read_plan
from sync.cli.planning import planning
from sync.cli.session import chosen_environment, connector
from sync.cli.watch import CommandWatcher
from sync.config.models import SyncDefinition
from sync.engine.alerts import changes
from sync.engine.context import PushContext, PushOptions, SyncResult, new_run_id
from sync.engine.erase import Erased, Eraser
from sync.engine.plan.gates import RunResults
from sync.engine.retry import RetryPolicy
from sync.engine.run import exit_code, push_all
from sync.engine.undo import reversible_syncs
from sync.errors import ConfigError, HeadwaterError
from sync.private import mend
from sync.report import metrics
from sync.state.tables import ResultTables


@click.command(
    "push", cls=Verb, alarms=True, example="sync push --sandbox --select destination:klaviyo"
)
@selection_options
@click.option("--sandbox", is_flag=True, help="Send to local stand-ins; no account is needed.")
@click.option("--fault", "faults", multiple=True, metavar="KIND:SHARE", help="Sandbox faults.")
@click.option("--dry-run", is_flag=True, help="Plan, gate and build the batches; send none.")
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="Send this plan only.")
@click.option("--allow-removals", is_flag=True, help="Let removals pass their guard this once.")
@click.option("--allow-additions", is_flag=True, help="Let additions pass their guard this once.")
@click.option("--allow-events", is_flag=True, help="Let events pass their guard this once.")
@click.option("--allow-changes", is_flag=True, help="Let changes pass their guard this once.")
@click.option(
    "--skip-gates", is_flag=True, help="Skip dbt results, freshness and guards this once."
)
@click.option("--full-refresh", is_flag=True, help="Send every row again, changed or not.")
@click.option("--undo", metavar="RUN", help="Do the reverse of a run, as sync undo shows it.")
@click.option("--fail-fast", is_flag=True, help="Start no sync after one has not succeeded.")
@click.option("--threads", type=click.IntRange(1), default=4, help="Syncs side by side.")
@click.option("--attempts", type=click.IntRange(1), default=6, help="Tries of one batch.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text")
@json_option
@click.pass_obj
def push(
    app: App,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    sandbox: bool,
    faults: tuple[str, ...],
    dry_run: bool,
    plan_file: Path | None,
    allow_removals: bool,
    allow_additions: bool,
    allow_events: bool,
    allow_changes: bool,
    skip_gates: bool,
    full_refresh: bool,
    undo: str | None,
    fail_fast: bool,
    threads: int,
    attempts: int,
    log_format: str,
    as_json: bool,
) -> int:
    """Send what changed to the destinations.

    Exit code 0 when every row of every sync arrived, 1 when a sync was refused or a row failed, 2 when interrupted. Ctrl-C lets
    the batches in flight end and marks them; the next push goes on from there.
    """
    app.output.logs_json = log_format == "json"
    environment = chosen_environment(sandbox)
    definitions = app.syncs(select, exclude)
    expected = read_plan(plan_file, environment) if plan_file else {}
    if plan_file:
        definitions = [one for one in definitions if one.name in expected]
    if undo is not None:
        definitions = reversible(app, environment, definitions, undo)
    if shut := app.why_not_live(environment):  # no flag opens this, and nothing is written
        return _told(
            app,
            "",
            [SyncResult(one.name, "refused", error=shut) for one in definitions],
            Erased(),
            as_json=as_json,
            dry_run=dry_run,
        )
    options = PushOptions(
        environment=environment,
        dry_run=dry_run,
        allow_removals=allow_removals,
        allow_additions=allow_additions,
        allow_events=allow_events,
        allow_changes=allow_changes,
        skip_gates=skip_gates,
        full_refresh=full_refresh,
        undo=undo,
        expected=expected,
        policy=RetryPolicy(attempts=attempts) if environment == "live" else _sandbox(attempts),
    )
    run_id = new_run_id()
    mend(app.project.private)
    hears = environment == "live" and not dry_run
    if hears:
        app.destinations.alerts()  # a wrong one is said before anything is sent
    with (
        connector(app, environment, faults) as connections,
        CommandWatcher(app.output, run_id=run_id, debug=app.debug) as watcher,
        stoppable(app) as stop,
        app.warehouse.keep_open(),
    ):
        for definition in definitions:  # a name that is nowhere stops all, before anything is sent
            connections.declaration(definition.destination)
        context = PushContext(
            planning=planning(app, environment),
            connector=connections,
            run_results=RunResults(app.project.run_results),
            options=options,
            stop=stop,
            run_id=run_id,
            watcher=watcher,
        )
        results = push_all(context, definitions, threads=threads, fail_fast=fail_fast)
        erased = Erased()
        if (
            not dry_run and not stop.is_set()
        ):  # after the syncs: what they take out by themselves is out
            erased = Eraser(
                context.planning,
                connections,
                policy=options.policy,
                stop=stop,
                results=_results(app),
                log=watcher.log,
            ).run()
    destinations = {one.name: one.destination for one in definitions}
    metrics.export(
        [] if dry_run else [_measured(one, destinations[one.name], environment) for one in results],
        log=watcher.log,
    )
    if hears:
        alerts = Alerts(app, Subject.of(definitions), run_id=run_id, log=watcher.log)
        alerts.tell(changes(results, alerts.told()))
    code = _told(app, run_id, results, erased, as_json=as_json, dry_run=dry_run)
    return max(code, 1) if erased.pending else code


def reversible(
    app: App, environment: str, definitions: list[SyncDefinition], run_id: str
) -> list[SyncDefinition]:
    """Of these syncs those that the run pushed, and that take out whom they put in."""
    shared = planning(app, environment)
    shared.places.load(app.warehouse)
    return reversible_syncs(shared, definitions, run_id)


def _results(app: App) -> str | None:
    """The table of results that were pulled; None in a project that declares none."""
    try:
        return ResultTables.of(app.manifest).campaign_events
    except ConfigError:
        return None


def _measured(result: SyncResult, destination: str, environment: str) -> metrics.Measured:
    return metrics.Measured(
        "push",
        {"sync": result.name, "destination": destination, "environment": environment},
        result.recorded_status,
        result.seconds,
        result.figures(),
        result.requests,
    )


def _told(
    app: App,
    run_id: str,
    results: list[SyncResult],
    erased: Erased,
    *,
    as_json: bool,
    dry_run: bool,
) -> int:
    if as_json:
        syncs = [_summary(one) for one in results]
        app.output.document({"run_id": run_id, "syncs": syncs, "erasures": erased.figures})
    else:
        _text(app, results, dry_run=dry_run)
        _erasures(app, erased)
    return exit_code(results)


@contextmanager
def stoppable(app: App) -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second one ends the process at once, which loses nothing either."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()
        app.output.note("Stopping after the batches in flight; again to stop at once.")

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _sandbox(attempts: int) -> RetryPolicy:
    return RetryPolicy(
        attempts=attempts, base_seconds=0.05, max_seconds=1.0, poll_seconds=0.05, settle_seconds=1.0
    )


def _summary(result: SyncResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "status": result.status,
        "added": result.added,
        "changed": result.changed,
        "removed": result.removed,
        "failed": result.failed,
        "withheld": result.counts.withheld,
        "seconds": round(result.seconds, 3),
        "left_out": dict(result.left_out),
        "passed_over": result.passed_over,
        "message": result.message,
    }


def _erasures(app: App, erased: Erased) -> None:
    """A line on people who are being erased, where there are any."""
    told = ", ".join(f"{number:,} {state}" for state, number in erased.figures.items() if number)
    if told:
        app.output.note(f"Erasures: {told}; sync forget --report says where.")
    for destination, why in sorted(erased.why.items()):
        app.output.refusal(
            f"nobody could be erased at '{destination}': {why}", "sync forget --report"
        )


def _text(app: App, results: list[SyncResult], *, dry_run: bool) -> None:
    told: HeadwaterError | None = None
    if dry_run:
        app.output.table(
            ["sync", "would add", "change", "remove", "batches"],
            [
                [one.name, one.counts.add, one.counts.change, one.counts.remove, one.batches]
                for one in results
            ],
        )
    else:
        app.output.table(
            [
                "sync",
                "status",
                "added",
                "changed",
                "removed",
                "unchanged",
                "failed",
                "withheld",
                "seconds",
            ],
            [
                [
                    one.name,
                    one.status,
                    one.added,
                    one.changed,
                    one.removed,
                    one.counts.unchanged,
                    one.failed,
                    sum(one.counts.withheld.values()),
                    float(one.seconds),
                ]
                for one in results
            ],
        )
    for one in results:
        for warning in one.warnings:
            app.output.note(f"sync '{one.name}': {warning}.")
        if one.error is not None and one.error is not told:
            said = one.error.message
            named = said if f"'{one.name}'" in said else f"sync '{one.name}': {said}"
            app.output.refusal(named, one.error.hint)
            told = one.error  # what is wrong with all of them is said once
        elif one.error is None and one.failed:
            app.output.refusal(
                f"sync '{one.name}': {one.failed:,} rows failed.",
                f"sync failures --select {one.name}",
            )
