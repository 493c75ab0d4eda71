"""`sync status`."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import click

from sync.cli.alerting import Alerts, Subject, pull_name
from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.session import chosen_environment
from sync.config.models import SyncDefinition
from sync.config.retired import retired
from sync.engine.alerts import UNUSUAL, Change
from sync.engine.context import new_run_id
from sync.state.history import RunHistory
from sync.state.tables import Tables
from sync.state.unrecorded import Unrecorded
from sync.warehouses.base import now_utc

UNDEFINED = "undefined"
BROKEN = ("failed", "partial", "refused")
LOOK = "look whether the schedule runs: nothing tells a run that never began from one that nobody wanted."


@click.command("status", cls=Verb, alarms=True, example="sync status --json")
@selection_options
@click.option("--sandbox", is_flag=True, help="Runs of the sandbox.")
@click.option(
    "--alert",
    is_flag=True,
    help="Tell the receivers of destinations.yml what has changed: who died, does not come, is unlike before.",
)
@json_option
@click.pass_obj
def status(
    app: App,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    sandbox: bool,
    alert: bool,
    as_json: bool,
) -> int:
    """Show the last run of each sync: how it ended, when, when the next is expected, and what waits.

    The next run is expected one usual interval (the median of the last ten) after the last: it is `late` when it is over a quarter of that
    behind, and `missing` when the one after it is due. A run whose process was killed has `died`; a `spike`, a `drop` and a `slow` run are
    three times more, less or slower than usual, and `failures` a share of refused rows three times the usual. The exit code is 1 for
    what is late, missing or died, pulls too, or when a sync's last run did not succeed or left rows behind, or the last pull of a
    destination failed; and, without a selection, where a sync that no exposure defines any more holds people still and
    `cdp_retired_syncs` does not say so.
    """
    definitions = app.syncs(select, exclude)
    environment = chosen_environment(sandbox)
    defined = {one.sync_id for one in app.manifest.syncs()}
    meant = retired(app.project, defined)
    history = RunHistory(Tables.of(app.manifest), app.warehouse.dialect, environment=environment)
    with app.warehouse.session() as session:
        found = [
            {
                "name": definition.name,
                "destination": definition.destination,
                "mode": definition.mode.value,
                **history.summary(session, definition.sync_id, now_utc()),
                **_unrecorded(app, environment, definition.sync_id),
            }
            for definition in definitions
        ]
        destinations = {definition.destination for definition in definitions}
        pulls = [
            one for one in history.pulls(session, now_utc()) if one["destination"] in destinations
        ]
        is_other_used = (
            environment == "live"
            and not any(one["status"] for one in found)
            and history.is_used(session, "sandbox")
        )
        gone = history.undefined(session, defined)
        undefined = [one for one in gone if one["name"] not in meant]
    if alert and environment == "live":
        if shut := app.why_not_live(environment):  # nobody hears of a developer's machine
            app.output.refusal(shut.message, shut.hint)
        else:
            _tell(app, definitions, found, undefined, pulls)
    if as_json:
        app.output.document(
            {"environment": environment, "syncs": found, "pulls": pulls, "undefined": undefined}
        )
    else:
        app.output.table(
            ["sync", "last run", "when (UTC)", "lag", "next", "held", "failing", "quarantined"],
            [_line(one) for one in found],
        )
        for one in found:
            if one["message"]:
                told = f"{one['name']}: {one['message']}"
                if _is_broken(one):
                    app.output.refusal(told, None)
                else:
                    app.output.note(told)
            if one["left_behind"] and not one["message"]:
                app.output.refusal(
                    f"{one['name']}: {one['left_behind']:,} quarantined rows are not sent.",
                    f"sync failures --select {one['name']}",
                )
            if one["unusual"]:
                app.output.note(f"{one['name']}: {one['unusual']}: {one['unusual_because']}.")
            if one["overdue"]:
                app.output.refusal(f"{one['name']} is {one['overdue']}: {_expected(one)}", LOOK)
        for one in pulls:
            if one["overdue"]:
                name = pull_name(one["destination"])
                app.output.refusal(f"{name} is {one['overdue']}: {_expected(one)}", LOOK)
            if one["message"]:
                tell = app.output.note if one["status"] == "success" else partial(_refuse, app)
                tell(f"{pull_name(one['destination'])}: {one['message']}")
        if is_other_used:
            app.output.note("The sandbox has runs: sync status --sandbox shows them.")
        for one in undefined:
            app.output.refusal(
                f"{one['name']}: {_stays(one)}",
                f"if a sync of yours is this one under a new name, say `id: {one['name']}` in its `sync:`; to take them out, "
                "define it again over an empty table with guards: {min_rows: 0}, and push it with --allow-removals; if they "
                f"are to stay, put it into `cdp_retired_syncs` of dbt_project.yml.",
            )
    failed_pull = any(_state_of_pull(one) != "success" for one in pulls)
    is_left = bool(undefined) and environment == "live" and not (select or exclude)
    return 1 if failed_pull or is_left or any(map(_is_broken, found)) else 0


def _expected(one: dict[str, Any]) -> str:
    return f"its next run was expected at {one['next_expected_at']:%Y-%m-%d %H:%M} UTC."


def _stays(one: dict[str, Any]) -> str:
    return (
        f"no exposure defines this sync any more; {one['held']:,} rows that it sent stay where "
        "they are."
    )


def _tell(
    app: App,
    definitions: list[SyncDefinition],
    found: list[dict[str, Any]],
    undefined: list[dict[str, Any]],
    pulls: list[dict[str, Any]],
) -> None:
    """Tell whose run broke, died, does not come or is unlike its last ones, who is gone and holds people, and who is back."""
    gone = [Subject(one["name"], one["name"], "", ()) for one in undefined]
    alerts = Alerts(
        app,
        [*Subject.of(definitions), *Subject.of_pulls(definitions), *gone],
        run_id=new_run_id(),
        log=lambda event, **facts: app.output.log(event, facts),
    )
    told = alerts.told()
    states = [(one["name"], _state(one), one) for one in found]
    states += [(pull_name(one["destination"]), _state_of_pull(one), one) for one in pulls]
    news = []
    for name, state, one in states:
        before = told.get(name)
        if told and state != (before or "success"):
            said = one["unusual_because"] if state in UNUSUAL else one["message"]
            if state == one["overdue"]:
                said = _expected(one)
            news.append(Change(name, state, before, said or ""))
    for one in undefined:
        before = told.get(one["name"])
        if told and before != UNDEFINED:
            news.append(Change(one["name"], UNDEFINED, before, _stays(one)))
    alerts.tell(news)


def _state(one: dict[str, Any]) -> str:
    """One word of what is wrong with a sync, or strange; `success` where nothing is, or nothing is known."""
    if one["status"] == "died":
        return "died"
    if one["overdue"]:
        return str(one["overdue"])
    if one["status"] in BROKEN and one["unusual"] != "failures":
        return str(one["status"])
    return one["unusual"] or "success"


def _state_of_pull(one: dict[str, Any]) -> str:
    """The same of the results of a destination: one that does not come, or failed."""
    return str(one["overdue"] or ("failed" if one["status"] == "failed" else "success"))


def _unrecorded(app: App, environment: str, name: str) -> dict[str, Any]:
    """What the warehouse does not know: the last run's end, which it could not write down."""
    found = Unrecorded(app.project.journal, environment=environment, sync_name=name).read()
    if found is None:
        return {}
    return {
        **found,
        "message": f"{found['message']} (The warehouse could not write this end down.)".strip(),
    }


def _refuse(app: App, told: str) -> None:
    app.output.refusal(told, None)


def _is_broken(one: dict[str, Any]) -> bool:
    return (
        one["status"] in (*BROKEN, "interrupted", "died")
        or bool(one["left_behind"])
        or bool(one["overdue"])
    )


def _line(one: dict[str, Any]) -> list[object]:
    finished = one["finished_at"]
    when = f"{finished:%Y-%m-%d %H:%M}" if isinstance(finished, dt.datetime) else ""
    expected = one["next_expected_at"]
    following = f"{expected:%m-%d %H:%M}" if isinstance(expected, dt.datetime) else ""
    if one["overdue"]:
        following += f" {one['overdue']}"
    return [
        one["name"],
        one["status"] or "never",
        when,
        _span(one["lag_seconds"]),
        following,
        one["held"],
        one["failing"],
        one["quarantined"],
    ]


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
